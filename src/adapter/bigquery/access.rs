//! Who may read a relation.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;

use crate::adapter::AdapterError;
use crate::adapter::bigquery::BigQuery;
use crate::adapter::bigquery::client::Request;
use crate::adapter::bigquery::error::Failure;
use crate::relation::{Access, Grant, RelationKind, RowPolicy, Target};

/// The version of policies that has conditions. One that has some is not told by any other.
const POLICY_VERSION: u8 = 3;

/// A policy of IAM.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Policy {
    bindings: Vec<Binding>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Binding {
    role: String,
    members: Vec<String>,
    condition: Option<Condition>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Condition {
    title: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RowPolicyList {
    row_access_policies: Vec<RowPolicyResource>,
    next_page_token: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RowPolicyResource {
    row_access_policy_reference: RowPolicyReference,
    filter_predicate: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RowPolicyReference {
    policy_id: String,
}

impl BigQuery {
    pub(super) async fn read_access(
        &self,
        relations: &[(Target, RelationKind)],
    ) -> Result<HashMap<Target, Access>, AdapterError> {
        let mut found = HashMap::new();
        for (target, kind) in relations {
            let access = match self.access_of(target, *kind).await {
                // It was dropped in between.
                Err(failure) if failure.is_missing() => continue,
                Err(failure @ Failure::Refused { status: 403, .. }) if !failure.passes() => {
                    return Err(unseen(target, failure));
                }
                access => access.map_err(|failure| failure.into_error(""))?,
            };
            found.insert(target.clone(), access);
        }
        Ok(found)
    }

    async fn access_of(&self, target: &Target, kind: RelationKind) -> Result<Access, Failure> {
        let Some((project, dataset)) = self.dataset(target) else { return Ok(Access::default()) };
        let table = format!("projects/{project}/datasets/{dataset}/tables/{}", target.name);
        let grants = self.policy(&table).await?.bindings.into_iter().map(|binding| Grant {
            role: binding.role,
            members: binding.members,
            condition: binding.condition.map(|condition| condition.title),
        });
        let row_policies = if kind == RelationKind::Table { self.row_policies(&table).await? } else { Vec::new() };
        Ok(Access { grants: grants.collect(), row_policies })
    }

    async fn row_policies(&self, table: &str) -> Result<Vec<RowPolicy>, Failure> {
        let mut found = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let request = Request::get(format!("{table}/rowAccessPolicies"));
            let list: RowPolicyList = self.client.send(&request.with_maybe("pageToken", page.as_deref())).await?;
            for policy in list.row_access_policies {
                let name = policy.row_access_policy_reference.policy_id;
                // All have one role, which goes with the row policy and has no conditions; who has some is left out.
                let bindings = self.policy(&format!("{table}/rowAccessPolicies/{name}")).await?.bindings;
                let certain = bindings.into_iter().filter(|binding| binding.condition.is_none());
                let members = certain.flat_map(|binding| binding.members).collect();
                found.push(RowPolicy { name, filter: policy.filter_predicate, members });
            }
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return Ok(found);
            }
        }
    }

    async fn policy(&self, resource: &str) -> Result<Policy, Failure> {
        let body = json!({ "options": { "requestedPolicyVersion": POLICY_VERSION } });
        self.client.send(&Request::post(format!("{resource}:getIamPolicy"), body)).await
    }
}

/// What cannot be seen cannot be given to the new relation, and its rows might be open to those who should not see them.
fn unseen(target: &Target, failure: Failure) -> AdapterError {
    let AdapterError { message, .. } = failure.into_error("");
    AdapterError {
        help: Some(
            "its config asks for another relation in its place: let one run it who is `BigQuery Data Owner`, or let the \
             config say what is there"
                .to_owned(),
        ),
        ..AdapterError::from_message(format!("what is granted on `{target}` cannot be seen: {message}"))
    }
}
