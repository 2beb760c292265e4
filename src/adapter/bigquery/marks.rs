//! What no SQL can do to tables and columns: policy tags, descriptions and new fields inside of records, and that one label
//! is to go.

use serde_json::{Value, json};

use crate::adapter::bigquery::BigQuery;
use crate::adapter::bigquery::client::Request;
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::pace::Updated;
use crate::dialect::FieldType;
use crate::relation::{Column, ColumnMarks, Target, UNFINISHED_LABEL};

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

    /// Fields that are there stay as they are.
    pub(super) async fn extend_columns(&self, target: &Target, columns: &[Column]) -> Result<(), Failure> {
        let Some((project, dataset)) = self.dataset(target) else { return Ok(()) };
        let path = format!("projects/{project}/datasets/{dataset}/tables/{}", target.name);
        let table: Value = self.client.send(&Request::get(path.as_str())).await?;
        let mut schema = table.get("schema").cloned().unwrap_or_default();
        let before = schema.clone();
        for column in columns {
            if let (Some(field), Some(wanted)) =
                (find(&mut schema, &[&column.name]), FieldType::read(&column.data_type))
            {
                extend(field, &wanted);
            }
        }
        if schema != before {
            let updated = Updated::Table(format!("{dataset}.{}", target.name));
            self.client.pause(self.client.pace().updates(&updated, 1)).await?;
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

/// Adds the fields of a type that the field of a schema has not.
fn extend(field: &mut Value, wanted: &FieldType) {
    let inner = match wanted {
        FieldType::Struct(fields) => fields,
        FieldType::Array(element) => return extend(field, element),
        FieldType::Plain(_) => return,
    };
    for (name, wanted) in inner {
        if let Some(known) = find(field, &[name]) {
            extend(known, wanted);
        } else if let Some(fields) = field.get_mut("fields").and_then(Value::as_array_mut) {
            fields.push(new_field(name, wanted));
        }
    }
}

/// What lengths a type has stays behind: those of a query have none.
fn new_field(name: &str, data_type: &FieldType) -> Value {
    match data_type {
        FieldType::Struct(fields) => {
            let fields: Vec<Value> = fields.iter().map(|(name, field)| new_field(name, field)).collect();
            json!({ "name": name, "type": "STRUCT", "fields": fields })
        }
        FieldType::Array(element) => {
            let mut field = new_field(name, element);
            field["mode"] = json!("REPEATED");
            field
        }
        FieldType::Plain(word) => match word.strip_prefix("RANGE<").and_then(|element| element.strip_suffix('>')) {
            Some(element) => json!({ "name": name, "type": "RANGE", "rangeElementType": { "type": element } }),
            None => json!({ "name": name, "type": word.split('(').next().unwrap_or(word) }),
        },
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

    #[test]
    fn fields_are_added_where_they_are_missing() {
        let mut field =
            json!({ "name": "w", "type": "RECORD", "mode": "REPEATED", "fields": [{ "name": "a", "type": "STRING" }] });
        let wanted = FieldType::read("ARRAY<STRUCT<A INT64, b ARRAY<STRUCT<c NUMERIC(3, 1)>>, d RANGE<DATE>>>");
        extend(&mut field, &wanted.unwrap_or(FieldType::Plain(String::new())));
        let inner = json!([
            { "name": "a", "type": "STRING" },
            { "name": "b", "type": "STRUCT", "mode": "REPEATED", "fields": [{ "name": "c", "type": "NUMERIC" }] },
            { "name": "d", "type": "RANGE", "rangeElementType": { "type": "DATE" } },
        ]);
        assert_eq!(field["fields"], inner);
    }
}
