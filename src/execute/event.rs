use crate::action::ActionId;
use crate::execute::{Retry, StepResult};

/// Something that happened in a run.
#[derive(Debug)]
pub enum Event {
    /// The first thing.
    RunStarted {
        /// How many steps there are.
        steps: usize,
    },
    /// A step was given to the warehouse.
    StepStarted {
        /// Which one.
        id: ActionId,
    },
    /// A step is over; also one that never began.
    StepFinished(StepResult),
    /// The transaction of a step was undone because another one was in the way, and is tried again.
    Retrying {
        /// Which step.
        id: ActionId,
        /// How often it was tried, and when it is tried again.
        retry: Retry,
    },
    /// Steps wait for what others hold: a sentence for each.
    Waiting {
        /// Who, and since when.
        waits: Vec<String>,
    },
    /// The last thing.
    RunFinished,
}
