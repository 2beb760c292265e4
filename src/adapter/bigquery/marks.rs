//! What no SQL can say of tables and columns: policy tags, descriptions inside of records, and that one label is to go.

use serde_json::{Value, json};

use crate::adapter::bigquery::BigQuery;
use crate::adapter::bigquery::client::Request;
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::pace::Updated;
use crate::relation::{ColumnMarks, Target, UNFINISHED_LABEL};

impl BigQuery {
    /// Columns that are not named keep what they have.
    pub(super) async fn mark_columns(&self, target: &Target, marks: &ColumnMarks) -> Result<(), Failure> {
        let Some((project, dataset)) = self.dataset(target) else { return Ok(()) };
        let path = format!("projects/{project}/datasets/{dataset}/tables/{}", target.name);
        let table: Value = self.client.send(&Request::get(path.as_str())).await?;
        let mut schema = table.get("schema").cloned().unwrap_or_default();
        let before = schema.clone();
        let tags = marks.policy_tags.iter().map(|(column, names)| (column, "policyTags", json!({ "names": names })));
        let descriptions = marks.descriptions.iter().map(|(column, text)| (column, "description", json!(text)));
        for (column, key, value) in tags.chain(descriptions) {
            let steps: Vec<&str> = column.split('.').collect();
            if let Some(field) = find(&mut schema, &steps) {
                field[key] = value;
            }
        }
        if schema != before {
            let _: Value = self.client.send(&Request::patch(path, json!({ "schema": schema }))).await?;
        }
        Ok(())
    }

    /// Takes away the label of a table that is unfinished. Others, which statements of the project may have set, stay.
    pub(super) async fn finish_table(&self, target: &Target) -> Result<(), Failure> {
        let Some((project, dataset)) = self.dataset(target) else { return Ok(()) };
        let room = self.client.pace().updates(&Updated::Table(format!("{dataset}.{}", target.name)), 1);
        self.client.pause(room).await?;
        let path = format!("projects/{project}/datasets/{dataset}/tables/{}", target.name);
        let change = json!({ "labels": { (UNFINISHED_LABEL): null } });
        self.client.send::<Value>(&Request::patch(path, change)).await.map(drop)
    }
}

fn find<'a>(schema: &'a mut Value, path: &[&str]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    let is_meant = |field: &&mut Value| {
        field.get("name").and_then(Value::as_str).is_some_and(|name| name.eq_ignore_ascii_case(first))
    };
    let field = schema.get_mut("fields")?.as_array_mut()?.iter_mut().find(is_meant)?;
    if rest.is_empty() { Some(field) } else { find(field, rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_their_path() {
        let mut schema = json!({ "fields": [{ "name": "a" }, { "name": "b", "fields": [{ "name": "C" }] }] });
        assert!(find(&mut schema, &["b", "c"]).is_some());
        assert!(find(&mut schema, &["A"]).is_some());
        assert!(find(&mut schema, &["a", "c"]).is_none());
    }
}
