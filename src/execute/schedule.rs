use std::collections::{HashMap, VecDeque};

use crate::action::ActionId;
use crate::execute::{Outcome, SkipReason, StepResult};
use crate::plan::Step;

/// Which steps can begin: those whose needs have all ended.
#[derive(Debug)]
pub(super) struct Schedule<'a> {
    steps: &'a [Step],
    /// By index of the step: how many of its needs have not ended.
    waiting_for: Vec<usize>,
    /// By index of the step: those that need it.
    needed_by: Vec<Vec<usize>>,
    /// By index of the step: what failed above it.
    blocked: Vec<Option<ActionId>>,
    index: HashMap<ActionId, usize>,
    ready: VecDeque<usize>,
}

impl<'a> Schedule<'a> {
    pub(super) fn new(steps: &'a [Step]) -> Self {
        let index: HashMap<ActionId, usize> = steps.iter().enumerate().map(|(at, step)| (step.id, at)).collect();
        let mut needed_by = vec![Vec::new(); steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for need in &step.needs {
                needed_by[index[need]].push(at);
            }
        }
        let waiting_for: Vec<usize> = steps.iter().map(|step| step.needs.len()).collect();
        let ready = (0..steps.len()).filter(|at| waiting_for[*at] == 0).collect();
        Self { steps, waiting_for, needed_by, blocked: vec![None; steps.len()], index, ready }
    }

    /// The next step, and why it must not run if it must not. `stop` is a reason that holds for all.
    pub(super) fn next(&mut self, stop: Option<SkipReason>) -> Option<(&'a Step, Option<SkipReason>)> {
        let at = self.ready.pop_front()?;
        let reason = self.blocked[at].map(SkipReason::Because).or(stop);
        Some((&self.steps[at], reason))
    }

    /// Notes how a step ended; those that only waited for it become ready.
    pub(super) fn finish(&mut self, result: &StepResult) {
        let Some(&at) = self.index.get(&result.id) else { return };
        let culprit = match &result.outcome {
            Outcome::Done { .. } | Outcome::Disabled | Outcome::Skipped(SkipReason::Cancelled) => None,
            Outcome::Failed(_) | Outcome::Rejected(_) | Outcome::Violated { .. } => Some(result.id),
            Outcome::Skipped(SkipReason::Because(culprit)) => Some(*culprit),
        };
        for next in self.needed_by[at].clone() {
            self.waiting_for[next] -= 1;
            self.blocked[next] = self.blocked[next].or(culprit);
            if self.waiting_for[next] == 0 {
                self.ready.push_back(next);
            }
        }
    }
}
