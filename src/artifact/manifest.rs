use std::collections::BTreeMap;
use std::io::{self, Write};

use rayon::prelude::*;
use serde::Serialize;

use crate::action::{Action, ActionId, Documentation, Kind, Materialization, Publishing, Rendered};
use crate::artifact::columns::{Columns, KnownColumns};
use crate::artifact::snapshot::SavedState;
use crate::compare::State;
use crate::compile::Compilation;
use crate::config::TimeSpan;
use crate::relation::Target;

/// How long the line of an action is, in bytes: most are shorter.
const LINE: usize = 4 << 10;

/// How many actions are described at once.
const AT_ONCE: usize = 512;

/// What stands in `manifest.json` before the actions. The version changes when a field changes its
/// meaning or goes away.
#[derive(Serialize)]
struct Manifest<'a> {
    trueup_version: &'static str,
    #[serde(rename = "manifest_version")]
    version: u32,
    project: &'a str,
    dialect: &'static str,
    environment: &'a str,
    vars: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct ManifestAction<'a> {
    name: &'a str,
    target: ManifestTarget<'a>,
    canonical_target: ManifestTarget<'a>,
    r#type: &'static str,
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(flatten)]
    columns: KnownColumns<'a>,
    tags: &'a [String],
    disabled: bool,
    depends_on: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sql: Option<Vec<&'a str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    incremental_sql: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pre_operations: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    post_operations: Vec<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    unique_key: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processed_time: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    freshness: Option<ManifestFreshness>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lateness_seconds: Option<u64>,
    /// For comparisons with a later state.
    state: SavedState,
}

#[derive(Serialize)]
struct ManifestFreshness {
    #[serde(skip_serializing_if = "Option::is_none")]
    warn_after_seconds: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_after_seconds: Option<u64>,
}

#[derive(Serialize)]
struct ManifestTarget<'a> {
    database: Option<&'a str>,
    schema: Option<&'a str>,
    name: &'a str,
}

/// Writes it, on one line for each action and two around them.
pub(super) fn write_manifest(compilation: &Compilation, out: &mut dyn Write) -> io::Result<()> {
    let settings = &compilation.project.settings;
    let manifest = Manifest {
        trueup_version: env!("CARGO_PKG_VERSION"),
        version: 1,
        project: &settings.name,
        dialect: settings.dialect.name(),
        environment: &compilation.project.environment.name,
        vars: &settings.vars,
    };
    let head = serde_json::to_string(&manifest)?;
    write!(out, "{},\"actions\":[", head.strip_suffix('}').unwrap_or_default())?;
    let columns = Columns::new(compilation);
    let actions: Vec<(ActionId, &Action<ActionId>)> = compilation.graph.iter().collect();
    let mut before: &[u8] = b"\n";
    for piece in actions.chunks(AT_ONCE) {
        let line = |(id, action): &(ActionId, &Action<ActionId>)| {
            let mut line = Vec::with_capacity(LINE);
            serde_json::to_writer(&mut line, &describe(compilation, &columns, *id, action))?;
            Ok(line)
        };
        let lines: Vec<serde_json::Result<Vec<u8>>> = piece.par_iter().map(line).collect();
        for line in lines {
            out.write_all(before)?;
            out.write_all(&line?)?;
            before = b",\n";
        }
    }
    out.write_all(b"\n]}\n")
}

fn describe<'a>(
    compilation: &'a Compilation,
    columns: &'a Columns<'_>,
    id: ActionId,
    action: &'a Action<ActionId>,
) -> ManifestAction<'a> {
    let (mut sql, mut incremental_sql, mut pre, mut post) = (None, None, Vec::new(), Vec::new());
    let mut unique_key: &[String] = &action.documentation.unique_key;
    let mut publish = None;
    match &action.kind {
        Kind::Model(model) => {
            sql = Some(vec![model.texts.query.text()]);
            pre = model.texts.pre_operations.iter().map(Rendered::text).collect();
            post = model.texts.post_operations.iter().map(Rendered::text).collect();
            unique_key = &model.unique_key;
            publish = (model.publishing == Publishing::Audited).then_some("audited");
            if let Materialization::Incremental(incremental) = &model.materialization {
                incremental_sql = Some(incremental.texts.query.text());
            }
        }
        Kind::Operations { statements, .. } => sql = Some(statements.iter().map(Rendered::text).collect()),
        Kind::Assertion(assertion) => sql = Some(vec![assertion.query.text()]),
        Kind::Test(test) => sql = Some(vec![test.expected.text()]),
        Kind::Declaration | Kind::Node(_) | Kind::Unknown => {}
    }
    let known = columns.known(id);
    let count = known.count;
    let depends_on = compilation.graph.dependencies(id);
    let Documentation { times, expectations, .. } = &action.documentation;
    let seconds = |span: Option<TimeSpan>| span.map(TimeSpan::seconds);
    ManifestAction {
        name: columns.name(id),
        target: target(&action.target),
        canonical_target: target(&action.canonical),
        r#type: action.kind.word(),
        file: compilation.project.sources.get(action.name_span.file).path(),
        description: action.documentation.description.as_deref(),
        columns: known,
        tags: &action.tags,
        disabled: action.disabled,
        depends_on: depends_on.iter().map(|id| columns.name(*id)).collect(),
        sql,
        incremental_sql,
        pre_operations: pre,
        post_operations: post,
        unique_key,
        publish,
        event_time: times.event.as_ref().map(|time| time.name.as_str()),
        processed_time: times.processed.as_ref().map(|time| time.name.as_str()),
        freshness: expectations.freshness.map(|freshness| ManifestFreshness {
            warn_after_seconds: seconds(freshness.warn_after),
            error_after_seconds: seconds(freshness.error_after),
        }),
        lateness_seconds: seconds(expectations.lateness),
        state: SavedState::of(&State::of(compilation, id), count),
    }
}

fn target(target: &Target) -> ManifestTarget<'_> {
    ManifestTarget { database: target.database.as_deref(), schema: target.schema.as_deref(), name: &target.name }
}
