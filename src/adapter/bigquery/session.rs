use serde_json::{Map, Value};

use crate::adapter::bigquery::client::Request;
use crate::adapter::bigquery::error::Failure;
use crate::adapter::bigquery::job::{JobSpec, JobWork, label};
use crate::adapter::bigquery::pace::metadata_updates;
use crate::adapter::bigquery::protocol::{
    JobListItem, JobResource, QueryResults, TableReference, TableResource, number,
};
use crate::adapter::bigquery::{ACTION_LABEL, BigQuery, rows};
use crate::adapter::{AdapterError, Estimate, JobRef, LoggedJob, Rows, Session, Usage, json};
use crate::relation::{Column, ColumnMarks, JobOptions, Target};

/// How many rows come in one answer at the most.
const PAGE: usize = 10_000;

/// How many bytes come in by one load. More would go well, but not in the time that a request has.
const LONGEST_LOAD: usize = 16 << 20;

/// The work of one step after the other. Each statement or script is a job.
pub(super) struct BigQuerySession<'a> {
    bigquery: &'a BigQuery,
    /// Whose statements these are.
    action: Option<Target>,
    options: JobOptions,
    /// How many jobs that change something the step has had.
    jobs: usize,
    /// With how many of them it is done, if that is known.
    expected: Option<usize>,
    /// What they depend on besides their text.
    depends_on: String,
    usage: Usage,
}

impl<'a> BigQuerySession<'a> {
    pub(super) fn new(bigquery: &'a BigQuery) -> Self {
        Self {
            bigquery,
            action: None,
            options: JobOptions::default(),
            jobs: 0,
            expected: None,
            depends_on: String::new(),
            usage: Usage::default(),
        }
    }

    /// Runs a statement that changes something.
    fn change(&mut self, sql: &str) -> Result<JobResource, AdapterError> {
        self.do_once(JobWork::Query(sql), sql)
    }

    /// Does what changes something: once, whoever asks for it again. `text` tells it from what else the step does.
    fn do_once(&mut self, work: JobWork<'_>, text: &str) -> Result<JobResource, AdapterError> {
        self.jobs += 1;
        let (ordinal, run) = (self.jobs.to_string(), self.bigquery.run_id());
        let action = self.action.as_ref().map(Target::to_string).unwrap_or_default();
        let is_last = self.expected == Some(self.jobs);
        let announce = |job: &JobRef| {
            let (Some(log), Some(action)) = (self.bigquery.log.get(), &self.action) else { return Ok(()) };
            let logged = LoggedJob { action: action.to_string(), job: job.clone(), is_last };
            log.announce(&logged).map_err(|error| Failure::Lost(format!("the journal cannot be written: {error}")))
        };
        let mut spent = Usage::default();
        let mut what = vec![run.as_str(), &action, &ordinal, text];
        what.extend(Some(self.depends_on.as_str()).filter(|on| !on.is_empty()));
        let result = self.bigquery.runtime.block_on(async {
            self.wait_for_room(work).await?;
            self.complete(what, work, &announce, &mut spent).await
        });
        self.usage.add(spent);
        result.map_err(|failure| failure.into_error(text))
    }

    /// Runs a query.
    fn read(&mut self, sql: &str) -> Result<JobResource, AdapterError> {
        let read = self.bigquery.next_read();
        let mut spent = Usage::default();
        let job = self.complete(vec![&read], JobWork::Query(sql), &|_| Ok(()), &mut spent);
        let result = self.bigquery.runtime.block_on(job);
        self.usage.add(spent);
        result.map_err(|failure| failure.into_error(sql))
    }

    async fn complete(
        &self,
        identity: Vec<&str>,
        work: JobWork<'_>,
        announce: &dyn Fn(&JobRef) -> Result<(), Failure>,
        spent: &mut Usage,
    ) -> Result<JobResource, Failure> {
        let options = self.bigquery.options_for(&self.options);
        let mut labels = options.labels.clone();
        labels.extend(self.bigquery.labels());
        if let Some(action) = &self.action {
            labels.insert(ACTION_LABEL.to_owned(), label(&action.to_string()));
        }
        self.bigquery.complete(&JobSpec { identity, work, options, labels, announce }, spent).await
    }

    /// Updates of one table or dataset that come too fast are refused, so they wait here.
    async fn wait_for_room(&self, work: JobWork<'_>) -> Result<(), Failure> {
        // A load is none.
        let JobWork::Query(sql) = work else { return Ok(()) };
        let client = &self.bigquery.client;
        for (updated, number) in metadata_updates(sql) {
            client.pause(client.pace().updates(&updated, number)).await?;
        }
        Ok(())
    }

    /// How many rows the step has written: those of a job, or of the statement inside a script whose text is given.
    fn count(&self, job: &JobResource, counted: Option<&str>) -> Option<u64> {
        let bigquery = self.bigquery;
        bigquery.runtime.block_on(async {
            let Some(counted) = counted else { return self.written(job).await };
            let text = |sql: &str| sql.trim().trim_end_matches(';').trim_end().to_owned();
            let is_counted = |item: &&JobListItem| {
                let query = item.job.configuration.query.as_ref();
                !item.failed() && query.is_some_and(|query| text(&query.query) == text(counted))
            };
            // What cannot be counted is done all the same.
            let children = bigquery.children(job).await.ok()?;
            self.written(&children.iter().rfind(is_counted)?.job).await
        })
    }

    async fn written(&self, job: &JobResource) -> Option<u64> {
        let query = job.statistics.query.as_ref()?;
        if query.statement_type.as_deref() == Some("CREATE_TABLE_AS_SELECT") {
            let table = query.ddl_target_table.as_ref()?;
            let path = format!("projects/{}/datasets/{}/tables/{}", table.project_id, table.dataset_id, table.table_id);
            let table: TableResource = self.bigquery.client.send(&Request::get(path)).await.ok()?;
            return number(table.num_rows.as_ref());
        }
        number(query.num_dml_affected_rows.as_ref())
    }

    fn results(&self, job: &JobResource, limit: usize) -> Result<Rows, AdapterError> {
        let reference = &job.job_reference;
        let path = format!("projects/{}/queries/{}", reference.project_id, reference.job_id);
        let mut found = Rows::default();
        let mut page: Option<String> = None;
        loop {
            let wanted = limit.saturating_sub(found.rows.len()).min(PAGE);
            let request = Request::get(path.as_str())
                .with("maxResults", wanted.to_string())
                .with("formatOptions.useInt64Timestamp", "true")
                .with_maybe("location", reference.location.as_deref())
                .with_maybe("pageToken", page.as_deref());
            let results = self.bigquery.runtime.block_on(self.bigquery.client.send::<QueryResults>(&request));
            let results = results.map_err(|failure| failure.into_error(""))?;
            let schema = results.schema.as_ref();
            if page.is_none() {
                found.columns = rows::columns(schema);
            }
            let texts = results.rows.into_iter().map(|row| rows::texts(row, schema));
            found.rows.extend(texts.take(wanted));
            page = results.page_token.filter(|token| !token.is_empty());
            if page.is_none() || found.rows.len() >= limit {
                return Ok(found);
            }
        }
    }

    fn dry(&self, sql: &str) -> Result<JobResource, AdapterError> {
        let options = self.bigquery.options_for(&self.options);
        let result = self.bigquery.runtime.block_on(self.bigquery.dry_run(sql, &options));
        result.map_err(|failure| failure.into_error(sql))
    }
}

impl Session for BigQuerySession<'_> {
    fn begin_step(&mut self, action: &Target, options: &JobOptions) {
        self.action = Some(action.clone());
        self.options = options.clone();
        (self.jobs, self.expected) = (0, None);
        self.depends_on.clear();
        self.usage = Usage::default();
    }

    fn depend_on(&mut self, what: &str) {
        what.clone_into(&mut self.depends_on);
    }

    fn expect(&mut self, statements: usize) {
        self.expected = Some(self.jobs + statements);
    }

    fn usage(&mut self) -> Option<Usage> {
        Some(std::mem::take(&mut self.usage))
    }

    fn execute(&mut self, sql: &str) -> Result<Option<u64>, AdapterError> {
        let job = self.change(sql)?;
        Ok(self.count(&job, None))
    }

    fn execute_script(&mut self, sql: &str, counted: Option<&str>) -> Result<Option<u64>, AdapterError> {
        let job = self.change(sql)?;
        Ok(counted.and_then(|counted| self.count(&job, Some(counted))))
    }

    fn load(&mut self, table: &Target, rows: &[Map<String, Value>]) -> Result<(), AdapterError> {
        let (project_id, dataset_id) = self.bigquery.dataset(table).unwrap_or_default();
        let reference = TableReference { project_id, dataset_id, table_id: table.name.clone() };
        let mut lines = String::new();
        for row in rows {
            let line = serde_json::to_string(row).map_err(|error| AdapterError::from_message(error.to_string()))?;
            if !lines.is_empty() && lines.len() + line.len() > LONGEST_LOAD {
                self.do_once(JobWork::Load { table: &reference, lines: &lines }, &lines)?;
                lines.clear();
            }
            lines += &line;
            lines.push('\n');
        }
        self.do_once(JobWork::Load { table: &reference, lines: &lines }, &lines)?;
        Ok(())
    }

    fn query(&mut self, sql: &str, limit: usize) -> Result<Rows, AdapterError> {
        let job = self.read(sql)?;
        self.results(&job, limit)
    }

    fn query_json(&mut self, sql: &str, limit: usize) -> Result<Vec<Map<String, Value>>, AdapterError> {
        let is_nested = |data_type: &str| ["ARRAY", "STRUCT", "JSON"].iter().any(|word| data_type.starts_with(word));
        Ok(json::objects(self.query(sql, limit)?, is_nested))
    }

    fn describe(&mut self, sql: &str) -> Result<Vec<Column>, AdapterError> {
        let query = self.dry(sql)?.statistics.query.unwrap_or_default();
        Ok(rows::columns(query.schema.as_ref()))
    }

    fn estimate(&mut self, sql: &str) -> Result<Option<Estimate>, AdapterError> {
        let job = self.dry(sql)?;
        let query = job.statistics.query.as_ref();
        let accuracy = query.and_then(|query| query.total_bytes_processed_accuracy.clone());
        Ok(Some(Estimate {
            bytes: Usage::of(&job).bytes_processed,
            is_lower_bound: matches!(accuracy.as_deref(), Some("LOWER_BOUND" | "UNKNOWN")),
        }))
    }

    fn mark_columns(&mut self, table: &Target, marks: &ColumnMarks) -> Result<(), AdapterError> {
        let bigquery = self.bigquery;
        bigquery.runtime.block_on(bigquery.mark_columns(table, marks)).map_err(|failure| failure.into_error(""))
    }

    fn extend_columns(&mut self, table: &Target, columns: &[Column]) -> Result<(), AdapterError> {
        let bigquery = self.bigquery;
        bigquery.runtime.block_on(bigquery.extend_columns(table, columns)).map_err(|failure| failure.into_error(""))
    }

    fn finish_table(&mut self, table: &Target) -> Result<(), AdapterError> {
        let bigquery = self.bigquery;
        bigquery.runtime.block_on(bigquery.finish_table(table)).map_err(|failure| failure.into_error(""))
    }

    /// Each job is a session of its own: a transaction begins and ends inside of it.
    fn begin(&mut self) -> Result<(), AdapterError> {
        Ok(())
    }

    fn commit(&mut self) -> Result<(), AdapterError> {
        Ok(())
    }

    fn roll_back(&mut self) {}
}
