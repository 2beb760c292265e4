//! The SQL of assertions that a model states in its config. Names and texts are those of Dataform (core 3.0.62) where it
//! has them; `acceptedValues` and `relationships` are ours.

use crate::action::Origin;
use crate::action::{Assertion, Check, Reference, Rendered};
use crate::config::Spanned;
use crate::dialect::Dialect;
use crate::files::Span;
use crate::relation::Target;
use crate::template::config::{ChecksConfig, Literal, Relationship};

/// An assertion that is declared but whose relations are not yet known.
#[derive(Debug, Clone)]
pub(super) struct InlineCheck {
    /// `uniqueKey_0`, `rowConditions`, `relationships_user_key`
    pub(super) suffix: String,
    pub(super) span: Span,
    pub(super) kind: InlineKind,
}

#[derive(Debug, Clone)]
pub(super) enum InlineKind {
    Unique(Vec<String>),
    Rows(Vec<Spanned<String>>),
    Relationship(Relationship),
}

/// One check for each unique key, one for all conditions on rows, one for each relationship.
pub(super) fn inline_checks(config: ChecksConfig, dialect: &dyn Dialect) -> Vec<InlineCheck> {
    let mut checks: Vec<InlineCheck> = Vec::new();
    for (index, key) in config.unique_keys.into_iter().enumerate() {
        checks.push(InlineCheck {
            suffix: format!("uniqueKey_{index}"),
            span: key.span,
            kind: InlineKind::Unique(key.value),
        });
    }
    let mut conditions = config.conditions;
    conditions.extend(
        config
            .non_null
            .into_iter()
            .map(|column| Spanned { value: format!("{} IS NOT NULL", column.value), span: column.span }),
    );
    for accepted in config.accepted_values {
        let values = accepted.values.iter().map(|value| match value {
            Literal::Text(text) => dialect.string(text),
            Literal::Bare(text) => text.clone(),
        });
        let values: Vec<String> = values.collect();
        let value = format!("{} IN ({})", accepted.column, values.join(", "));
        conditions.push(Spanned { value, span: accepted.span });
    }
    if let Some(span) = conditions.first().map(|condition| condition.span) {
        checks.push(InlineCheck { suffix: "rowConditions".to_owned(), span, kind: InlineKind::Rows(conditions) });
    }
    for relationship in config.relationships {
        checks.push(InlineCheck {
            suffix: format!("relationships_{}", relationship.column),
            span: relationship.span,
            kind: InlineKind::Relationship(relationship),
        });
    }
    checks
}

impl InlineCheck {
    /// The name of the assertion in its schema.
    pub(super) fn name(&self, of: &Target, prefix: Option<&str>) -> String {
        let prefix = prefix.map(|prefix| format!("{prefix}_")).unwrap_or_default();
        let schema = of.schema.as_ref().map(|schema| format!("{schema}_")).unwrap_or_default();
        format!("{prefix}{schema}{}_assertions_{}", of.name, self.suffix)
    }

    /// The assertion. `relation` and `other` are the quoted names of the model and of the other side of a relationship.
    pub(super) fn assertion(
        self,
        of: Reference,
        relation: &str,
        other: Option<&str>,
        dialect: &dyn Dialect,
    ) -> Assertion {
        let origin = Origin::here(self.span);
        match self.kind {
            InlineKind::Unique(columns) => Assertion {
                query: Rendered::computed(unique_sql(&columns, relation), origin),
                check: Check::Unique { of, columns },
                parent: None,
            },
            InlineKind::Rows(conditions) => {
                let mut query = Rendered::default();
                for (at, condition) in conditions.iter().enumerate() {
                    query.push_computed(if at > 0 { "UNION ALL" } else { "" }, origin);
                    let sql = condition_sql(&condition.value, relation, dialect);
                    query.push_computed(&sql, Origin::here(condition.span));
                }
                let conditions = conditions.into_iter().map(|condition| condition.value).collect();
                Assertion { query, check: Check::Rows { of, conditions }, parent: None }
            }
            InlineKind::Relationship(Relationship { column, to, to_column, .. }) => {
                let sql = relationship_sql(relation, &column, other.unwrap_or_default(), &to_column);
                let check = Check::Relationship { of, column, to, to_column };
                Assertion { query: Rendered::computed(sql, origin), check, parent: None }
            }
        }
    }
}

fn unique_sql(columns: &[String], relation: &str) -> String {
    let columns = columns.join(", ");
    format!(
        "\nSELECT\n  *\nFROM (\n  SELECT\n    {columns},\n    COUNT(1) AS index_row_count\n  FROM {relation}\n  \
         GROUP BY {columns}\n  ) AS data\nWHERE index_row_count > 1\n"
    )
}

fn condition_sql(condition: &str, relation: &str, dialect: &dyn Dialect) -> String {
    let text = dialect.string(condition);
    format!("\nSELECT\n  {text} AS failing_row_condition,\n  *\nFROM {relation}\nWHERE NOT ({condition})\n")
}

fn relationship_sql(relation: &str, column: &str, other: &str, other_column: &str) -> String {
    format!(
        "\nSELECT\n  child.*\nFROM {relation} AS child\nLEFT JOIN {other} AS parent\n  ON child.{column} = \
         parent.{other_column}\nWHERE child.{column} IS NOT NULL\n  AND parent.{other_column} IS NULL\n"
    )
}
