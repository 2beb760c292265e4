//! What is there of the targets of a project: which datasets, where, and which tables and views.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::stream::{self, StreamExt};

use crate::adapter::AdapterError;
use crate::adapter::bigquery::client::Request;
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::protocol::{
    DatasetResource, RangePartitioning, TableField, TableList, TableResource, TimePartitioning,
};
use crate::adapter::bigquery::{BigQuery, rows};
use crate::relation::{
    Layout, Partitioning, Relation, RelationKind, Target, TimeUnit, UNFINISHED_LABEL, WarehouseState,
};

/// How many requests are on the way at a time.
const AT_A_TIME: usize = 16;

/// A project and a dataset in it.
type Dataset = (String, String);

impl BigQuery {
    pub(super) async fn read_state(&self, targets: &[Target]) -> Result<WarehouseState, AdapterError> {
        let words = |failure: Failure| failure.into_error("");
        let own: BTreeSet<Dataset> = targets.iter().filter_map(|target| self.dataset(target)).collect();
        let others: BTreeSet<Dataset> = self.targets.iter().filter_map(|target| self.dataset(target)).collect();
        let looks = stream::iter(own.union(&others)).map(|dataset| {
            let is_own = own.contains(dataset);
            async move {
                let there = match self.look_at_dataset(dataset).await {
                    // What is only read may be seen by its tables alone.
                    Err(Failure::Refused { .. }) if !is_own => None,
                    found => found?,
                };
                Ok::<_, Failure>((dataset.clone(), there))
            }
        });
        let looks: Vec<_> = looks.buffer_unordered(AT_A_TIME).collect().await;
        let mut there = BTreeMap::new();
        for look in looks {
            let (dataset, found) = look.map_err(words)?;
            there.extend(found.map(|found| (dataset, found)));
        }
        self.agree_on_location(&there)?;

        let mut listed = BTreeSet::new();
        for dataset in there.keys().filter(|dataset| own.contains(*dataset)) {
            let names = self.list_tables(dataset).await.map_err(words)?;
            listed.extend(names.into_iter().map(|name| (dataset.clone(), name)));
        }
        let wanted: BTreeSet<(Dataset, String)> =
            targets.iter().filter_map(|target| Some((self.dataset(target)?, target.name.clone()))).collect();
        let reads = stream::iter(wanted.intersection(&listed).cloned()).map(|(dataset, name)| async move {
            let path = format!("projects/{}/datasets/{}/tables/{name}", dataset.0, dataset.1);
            match self.client.send::<TableResource>(&Request::get(path)).await {
                // It was dropped in between.
                Err(failure) if failure.is_missing() => Ok(None),
                read => Ok::<_, Failure>(Some(((dataset, name), relation(&read?)))),
            }
        });
        let reads: Vec<_> = reads.buffer_unordered(AT_A_TIME).collect().await;
        let mut found = HashMap::new();
        for read in reads {
            found.extend(read.map_err(words)?);
        }

        let relations = targets.iter().filter_map(|target| {
            let relation = found.get(&(self.dataset(target)?, target.name.clone()))?;
            Some((target.clone(), relation.clone()))
        });
        let is_there = |target: &&Target| self.dataset(target).is_some_and(|dataset| there.contains_key(&dataset));
        Ok(WarehouseState {
            relations: relations.collect(),
            with_schema: targets.iter().filter(is_there).cloned().collect(),
            ..WarehouseState::default()
        })
    }

    pub(super) fn dataset(&self, target: &Target) -> Option<Dataset> {
        let project = target.database.clone().unwrap_or_else(|| self.project.clone());
        Some((project, target.schema.clone()?))
    }

    /// `None` if it does not exist.
    async fn look_at_dataset(&self, (project, dataset): &Dataset) -> Result<Option<DatasetResource>, Failure> {
        match self.client.send(&Request::get(format!("projects/{project}/datasets/{dataset}"))).await {
            Err(failure) if failure.is_missing() => Ok(None),
            found => found.map(Some),
        }
    }

    async fn list_tables(&self, (project, dataset): &Dataset) -> Result<Vec<String>, Failure> {
        let mut names = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let request =
                Request::get(format!("projects/{project}/datasets/{dataset}/tables")).with("maxResults", "1000");
            let list: TableList = self.client.send(&request.with_maybe("pageToken", page.as_deref())).await?;
            names.extend(list.tables.into_iter().map(|table| table.table_reference.table_id));
            page = list.next_page_token.filter(|token| !token.is_empty());
            if page.is_none() {
                return Ok(names);
            }
        }
    }

    /// A job sees the datasets of one location alone. Where the settings name none it is that of the datasets.
    fn agree_on_location(&self, there: &BTreeMap<Dataset, DatasetResource>) -> Result<(), AdapterError> {
        let mut location = self.location.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_configured = location.is_some();
        let mut first: Option<&Dataset> = None;
        for (dataset, found) in there.iter().filter(|(_, found)| !found.location.is_empty()) {
            match location.as_deref() {
                None => {
                    *location = Some(found.location.clone());
                    first = Some(dataset);
                }
                Some(wanted) if wanted.eq_ignore_ascii_case(&found.location) => {}
                Some(wanted) => {
                    let name = |(project, dataset): &Dataset| format!("`{project}.{dataset}`");
                    let (message, help) = match first {
                        Some(first) if !is_configured => (
                            format!(
                                "the dataset {} is in {wanted}, and {} in {}: no job sees both",
                                name(first),
                                name(dataset),
                                found.location
                            ),
                            "keep what a project makes in one location",
                        ),
                        _ => (
                            format!(
                                "the dataset {} is in {}, and the jobs of this environment run in {wanted}",
                                name(dataset),
                                found.location
                            ),
                            "set `location` of the environment to that of its datasets, or name other datasets",
                        ),
                    };
                    return Err(AdapterError { help: Some(help.to_owned()), ..AdapterError::from_message(message) });
                }
            }
        }
        Ok(())
    }
}

fn relation(table: &TableResource) -> Relation {
    let kind = match table.r#type.as_str() {
        "VIEW" => RelationKind::View,
        "MATERIALIZED_VIEW" => RelationKind::MaterializedView,
        _ => RelationKind::Table,
    };
    let by_time = table.time_partitioning.as_ref().and_then(time_partitioning);
    let partitioning = by_time.or_else(|| table.range_partitioning.as_ref().and_then(range_partitioning));
    let fields = table.schema.as_ref().map(|schema| schema.fields.as_slice()).unwrap_or_default();
    let mut column_descriptions = BTreeMap::new();
    describe(fields, "", &mut column_descriptions);
    let mut labels = table.labels.clone();
    let is_unfinished = labels.remove(UNFINISHED_LABEL).is_some();
    let layout = Layout {
        partitioning,
        clustering: table.clustering.as_ref().map(|clustering| clustering.fields.clone()).unwrap_or_default(),
        description: table.description.clone().filter(|text| !text.is_empty()),
        labels,
        column_descriptions,
        has_policy_tags: has_policy_tags(fields),
        is_unfinished,
    };
    Relation { kind, columns: rows::columns(table.schema.as_ref()), layout }
}

fn time_partitioning(partitioning: &TimePartitioning) -> Option<Partitioning> {
    let unit = TimeUnit::named(&partitioning.r#type)?;
    Some(Partitioning::Time { column: partitioning.field.clone(), unit })
}

fn range_partitioning(partitioning: &RangePartitioning) -> Option<Partitioning> {
    let range = &partitioning.range;
    Some(Partitioning::Range {
        column: partitioning.field.clone(),
        start: range.start.parse().ok()?,
        end: range.end.parse().ok()?,
        interval: range.interval.parse().ok()?,
    })
}

fn describe(fields: &[TableField], path: &str, found: &mut BTreeMap<String, String>) {
    for field in fields {
        let path = format!("{path}{}", field.name);
        if let Some(text) = field.description.clone().filter(|text| !text.is_empty()) {
            found.insert(path.clone(), text);
        }
        describe(&field.fields, &format!("{path}."), found);
    }
}

fn has_policy_tags(fields: &[TableField]) -> bool {
    let has = |field: &TableField| field.policy_tags.as_ref().is_some_and(|tags| !tags.names.is_empty());
    fields.iter().any(|field| has(field) || has_policy_tags(&field.fields))
}
