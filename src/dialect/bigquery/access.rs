//! Grants and row access policies in SQL.

use crate::dialect::{BigQuery, Dialect, NotHandedOver};
use crate::relation::{Access, Grant, RelationKind, RowPolicy};

/// Those that GRANT has words for:
/// <https://cloud.google.com/bigquery/docs/reference/standard-sql/data-control-language#user_list>.
const PRINCIPALS: [&str; 4] = ["domain:", "group:", "serviceAccount:", "user:"];

/// What IAM calls by a name alone.
const GROUPS: [&str; 2] = ["allAuthenticatedUsers", "allUsers"];

/// Row access policies first: no role lets in those whom they keep out.
pub(super) fn hand_over(
    dialect: &BigQuery,
    kind: RelationKind,
    name: &str,
    access: &Access,
) -> Result<Vec<String>, NotHandedOver> {
    let policies = access.row_policies.iter().map(|policy| match kind {
        RelationKind::Table => row_policy(dialect, name, policy),
        kind => Err(no_policy(format!("the row access policy `{}`, since a {kind} has none", policy.name))),
    });
    let grants = access.grants.iter().filter_map(|grant| self::grant(dialect, kind, name, grant).transpose());
    policies.chain(grants).collect()
}

/// Without GRANT TO it might be a policy for everybody: the documentation does not say.
fn row_policy(dialect: &BigQuery, name: &str, policy: &RowPolicy) -> Result<String, NotHandedOver> {
    let RowPolicy { name: policy, filter, members } = policy;
    let members: Vec<String> = present(members).map(|member| dialect.string(member)).collect();
    if members.is_empty() {
        return Err(no_policy(format!("the row access policy `{policy}`, which is for nobody")));
    }
    let (policy, members) = (dialect.identifier(policy), members.join(", "));
    Ok(format!("create or replace row access policy {policy} on {name}\ngrant to ({members})\nfilter using ({filter})"))
}

/// `None` if there is nobody left who has it.
fn grant(dialect: &BigQuery, kind: RelationKind, name: &str, grant: &Grant) -> Result<Option<String>, NotHandedOver> {
    let Grant { role, members, condition } = grant;
    if let Some(condition) = condition {
        return Err(no_grant(format!("`{role}` under the condition `{condition}`")));
    }
    if kind == RelationKind::MaterializedView {
        return Err(no_grant(format!("`{role}`, since GRANT knows no materialized views")));
    }
    let members: Result<Vec<String>, NotHandedOver> = present(members)
        .map(|member| match member {
            group if GROUPS.contains(&group) => Ok(dialect.string(&format!("specialGroup:{group}"))),
            known if PRINCIPALS.iter().any(|principal| known.starts_with(principal)) => Ok(dialect.string(known)),
            other => Err(no_grant(format!("`{role}` for `{other}`, which GRANT has no word for"))),
        })
        .collect();
    let members = members?;
    Ok((!members.is_empty())
        .then(|| format!("grant {} on {kind} {name} to {}", dialect.identifier(role), members.join(", "))))
}

/// Those who are still there: nobody else can be named.
fn present(members: &[String]) -> impl Iterator<Item = &str> {
    members.iter().map(String::as_str).filter(|member| !member.starts_with("deleted:"))
}

fn no_grant(what: String) -> NotHandedOver {
    NotHandedOver { what, help: "take that back and grant it again behind the run, or grant it on the dataset" }
}

/// To drop the policy would open the rows.
fn no_policy(what: String) -> NotHandedOver {
    NotHandedOver {
        what,
        help: "let the config say what is there, or keep the readers out of the table before its policies go",
    }
}
