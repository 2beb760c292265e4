//! What models cost, as JSON.

use serde_json::{Value, json};

use crate::action::{Action, ActionId};
use crate::compile::Compilation;
use crate::execute::{Alternative, Bound, CostSource, Costs, Figure, Known, ModelCost, Sample, Sampled};

/// One object on a line for each model.
pub fn costs_json(costs: &Costs<'_>, compilation: &Compilation) -> String {
    costs.models.iter().map(|model| format!("{}\n", object(model, costs.source, compilation))).collect()
}

fn object(model: &ModelCost<'_>, source: CostSource, compilation: &Compilation) -> Value {
    let figure = |figure: Option<Figure>| figure.map(|figure| amount(figure, source, compilation));
    let alternative = |alternative: &Alternative| {
        let of_reader = |(reader, known): (&&Action<ActionId>, &Known)| json!({ "name": reader.target.to_string(), "run": figure(known.as_ref().ok().copied()) });
        let readers: Vec<Value> = model.readers.iter().zip(&alternative.readers).map(of_reader).collect();
        let reasons = model.reasons().into_iter().filter(|(_, keepings)| keepings.contains(&alternative.keeping));
        let reasons = reasons.map(|(reason, _)| reason).chain(alternative.impossible());
        let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
        json!({
            "type": alternative.keeping.word(),
            "build": figure(alternative.build.as_ref().ok().copied()),
            "reading": figure(alternative.reading()),
            "run": figure(alternative.run()),
            "day": figure(model.day(alternative)),
            "readers": readers,
            "reasons": reasons,
        })
    };
    let alternatives: Vec<Value> = model.alternatives.iter().map(alternative).collect();
    let samples: Vec<Value> = model.samples.iter().map(|it| sample(it, model)).collect();
    json!({
        "name": model.action.target.to_string(),
        "type": model.action.kind.word(),
        "source": match source {
            CostSource::DryRuns => "dry_runs",
            CostSource::History => "history",
        },
        "alternatives": alternatives,
        "incremental_at_this_moment": figure(model.at_this_moment),
        "samples": samples,
        "runs_a_day": model.rates.as_ref().map(|rates| json!({ "model": rates.model, "readers": rates.readers })),
        "cheapest": model.cheapest().map(|cheapest| cheapest.keeping.word()),
    })
}

fn amount(figure: Figure, source: CostSource, compilation: &Compilation) -> Value {
    let bound = match figure.bound {
        Bound::Exact => "exact",
        Bound::AtLeast => "at_least",
        Bound::AtMost => "at_most",
        Bound::About => "about",
    };
    match source {
        CostSource::DryRuns => {
            let cost = compilation.project.environment.connection.cost(figure.amount);
            json!({ "bytes": figure.amount, "cost": cost, "bound": bound })
        }
        CostSource::History => json!({ "milliseconds": figure.amount, "bound": bound }),
    }
}

fn sample(sample: &Sample, model: &ModelCost<'_>) -> Value {
    let of = |place: usize| model.readers.get(place).map(|reader| reader.target.to_string());
    let (name, build, is_view) = match sample.what {
        Sampled::FullBuild => (Some(model.action.target.to_string()), "full", false),
        Sampled::IncrementalRun => (Some(model.action.target.to_string()), "incremental", false),
        Sampled::ReaderOfTable(place) => (of(place), "reader", false),
        Sampled::ReaderOfView(place) => (of(place), "reader", true),
    };
    json!({ "name": name, "of": build, "on_view": is_view, "runs": sample.runs, "middle": sample.middle, "earlier_text": sample.is_of_other_text })
}
