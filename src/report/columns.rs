//! What is known of the columns of actions, as lines of text.

use crate::action::ActionId;
use crate::analysis::bound::{Column, Origin, OriginKind, Relation};
use crate::compile::Compilation;
use crate::relation::{DataType, Nullability};

/// The columns of an action, one a line: its name, its type, whether it can be NULL, where it comes from.
pub fn columns(compilation: &Compilation, id: ActionId) -> String {
    let is_there = compilation.graph.get(id).kind.has_output();
    let Some(facts) = compilation.analysis.facts(id).filter(|_| is_there) else { return String::new() };
    let semantics = compilation.project.settings.dialect.semantics();
    let cells: Vec<[String; 4]> = facts
        .columns
        .visible()
        .map(|(_, column)| {
            [
                column.name.as_deref().unwrap_or("(no name)").to_owned(),
                semantics.type_name(if column.data_type.is_vague() { &DataType::Unknown } else { &column.data_type }),
                if column.nullable == Nullability::NotNull { "not null".to_owned() } else { String::new() },
                origins(compilation, column),
            ]
        })
        .collect();
    let mut lines = String::new();
    let width = |place: usize| cells.iter().map(|row| row[place].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    for [name, data_type, nullable, origins] in &cells {
        let line = format!("{name:<0$}  {data_type:<1$}  {nullable:<2$}  {origins}", widths[0], widths[1], widths[2]);
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    if facts.columns.is_open {
        lines.push_str("…\n");
    }
    lines
}

fn origins(compilation: &Compilation, column: &Column) -> String {
    let word = |(origin, kind): &(&Origin, OriginKind)| {
        let relation = match &origin.relation {
            Relation::Action(id) => compilation.graph.get(*id).target.name.clone(),
            Relation::Own => "self".to_owned(),
            Relation::Undeclared(path) => path.to_string(),
        };
        let sign = match kind {
            OriginKind::Passed => "= ",
            OriginKind::Transformed => "~ ",
            OriginKind::Aggregated => "Σ ",
        };
        format!("{sign}{relation}.{}", origin.column)
    };
    column.origins_of_whole().iter().map(word).collect::<Vec<_>>().join(", ")
}
