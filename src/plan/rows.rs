//! How staged rows come into a table: INSERT, MERGE, and what is deleted before.

use std::iter;

use sqlparser::tokenizer::{Token, Tokenizer};

use crate::dialect::Dialect;
use crate::plan::multi_statement::declare;
use crate::plan::{ScriptStatement, Statement};
use crate::relation::{Column, TimeUnit};

/// The table and the new rows, in the words of Dataform.
pub(super) const TABLE: &str = "DATAFORM_DEST";
pub(super) const NEW_ROWS: &str = "DATAFORM_SOURCE";

/// The partitions to be replaced.
const TOUCHED: &str = "trueup_touched";

/// The bounds of the new rows in the column of the partitions.
const FIRST: &str = "trueup_first";
const LAST: &str = "trueup_last";

/// The partition that rows go to that come in now.
const ARRIVAL: &str = "trueup_partition";

/// The rows that a query has given, beside the table that they go to.
pub(super) struct StagedRows<'a> {
    relation: &'a str,
    staged: &'a str,
    columns: Vec<Written>,
    /// Which rows of the table may have a match.
    bounds: Option<String>,
    dialect: &'a dyn Dialect,
}

/// A column that is written.
struct Written {
    /// Quoted.
    name: String,
    /// The type that the rows have to be given for it.
    cast: Option<String>,
}

impl<'a> StagedRows<'a> {
    /// `relation` and `staged` are quoted names. `written` are columns of the query; where one has another type in the
    /// table it is cast, if the staged rows do not have that type by now.
    pub(super) fn new(
        relation: &'a str,
        staged: &'a str,
        written: &[Column],
        table: &[Column],
        query: &[Column],
        dialect: &'a dyn Dialect,
    ) -> Self {
        let data_type = |columns: &[Column], name: &str| {
            let column = columns.iter().find(|column| column.name.eq_ignore_ascii_case(name));
            column.map(|column| column.data_type.clone())
        };
        let columns = written.iter().map(|column| {
            let wanted = data_type(table, &column.name).filter(|_| !dialect.capabilities().retypes_columns);
            let differs = |wanted: &String| {
                data_type(query, &column.name).is_some_and(|given| !dialect.same_type(&given, wanted))
            };
            let cast = wanted.filter(differs);
            Written { name: dialect.identifier(&column.name), cast }
        });
        Self { relation, staged, columns: columns.collect(), bounds: None, dialect }
    }

    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// The values of the new rows, each with `qualifier` before its name.
    fn values(&self, qualifier: &str) -> Vec<String> {
        let value = |column: &Written| {
            let name = format!("{qualifier}{}", column.name);
            column.cast.as_ref().map_or_else(|| name.clone(), |data_type| format!("cast({name} as {data_type})"))
        };
        self.columns.iter().map(value).collect()
    }

    pub(super) fn insert(&self) -> Statement {
        let Self { relation, staged, .. } = self;
        let (names, values) = (self.names(), self.values("").join(", "));
        Statement::new(format!("insert into {relation} ({names}) select {values} from {staged}"))
    }

    /// The same of rows that are not staged, as they need no look before they are written.
    pub(super) fn insert_from(&self, query: &Statement) -> Statement {
        let (names, values) = (self.names(), self.values("").join(", "));
        Statement::new(format!("insert into {} ({names}) select {values} from (\n", self.relation))
            .then_statement(query)
            .then("\n)")
    }

    /// NULLs in a key are equal to each other, so that such a row is updated and not added again on each run.
    pub(super) fn merge(&self, unique_key: &[String], conditions: &[String]) -> Statement {
        let Self { relation, staged, dialect, .. } = self;
        let null_safe = dialect.capabilities().null_safe;
        let keys: Vec<String> = unique_key.iter().map(|key| dialect.identifier(key)).collect();
        let equal = keys.iter().map(|key| null_safe.equal(&format!("{TABLE}.{key}"), &format!("{NEW_ROWS}.{key}")));
        let conditions = conditions.iter().map(|condition| format!("({condition})"));
        let on: Vec<String> = self.bounds.iter().cloned().chain(equal).chain(conditions).collect();
        let values = self.values(&format!("{NEW_ROWS}."));
        let is_key = |name: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(name));
        let updates = self.columns.iter().zip(&values).filter(|(column, _)| !is_key(&column.name));
        let updates: Vec<String> = updates.map(|(column, value)| format!("{} = {value}", column.name)).collect();
        let update = if updates.is_empty() {
            String::new()
        } else {
            format!("when matched then update set {}\n", updates.join(", "))
        };
        Statement::new(format!(
            "merge into {relation} as {TABLE}\nusing {staged} as {NEW_ROWS}\non {}\n{update}when not matched then insert \
             ({}) values ({})",
            on.join(" and "),
            self.names(),
            values.join(", "),
        ))
    }

    /// Deletes the rows of the table whose key one of the new rows has, and inserts the new ones.
    pub(super) fn delete_and_insert(&self, unique_key: &[String], conditions: &[String]) -> Vec<ScriptStatement> {
        let capabilities = self.dialect.capabilities();
        let deletes = if capabilities.deletion.has_using() {
            self.delete_by_key(unique_key, conditions)
        } else {
            vec![self.delete_where_exists(unique_key, conditions)]
        };
        let deletes = deletes.into_iter().map(ScriptStatement::Run);
        deletes.chain([ScriptStatement::Count(self.insert())]).collect()
    }

    /// The same deletion where a DELETE reads no second table. NULLs in a key are equal to each other.
    fn delete_where_exists(&self, unique_key: &[String], conditions: &[String]) -> Statement {
        let null_safe = self.dialect.capabilities().null_safe;
        let keys = unique_key.iter().map(|key| self.dialect.identifier(key));
        let equal = keys.map(|key| null_safe.equal(&format!("{TABLE}.{key}"), &format!("{NEW_ROWS}.{key}")));
        let tests = equal.chain(conditions.iter().map(|condition| format!("({condition})")));
        Statement::new(format!(
            "delete from {} as {TABLE} where {}exists (\n  select 1 from {} as {NEW_ROWS} where {}\n)",
            self.relation,
            self.bounds.as_ref().map(|bounds| format!("{bounds} and ")).unwrap_or_default(),
            self.staged,
            tests.collect::<Vec<_>>().join(" and ")
        ))
    }

    /// Deletes the rows of the table whose key one of the new rows has. Equal keys are found by their hashes; rows with a
    /// NULL in their key, of which there are few, by a second statement.
    fn delete_by_key(&self, unique_key: &[String], conditions: &[String]) -> Vec<Statement> {
        let aliases = self.dialect.capabilities().deletion.has_alias();
        let (table, new_rows) = if aliases { (TABLE, NEW_ROWS) } else { (self.relation, self.staged) };
        let head = if aliases {
            format!("delete from {} as {table} using {} as {new_rows}", self.relation, self.staged)
        } else {
            format!("delete from {table} using {new_rows}")
        };
        let keys: Vec<String> = unique_key.iter().map(|key| self.dialect.identifier(key)).collect();
        let sides = keys.iter().map(|key| (format!("{table}.{key}"), format!("{new_rows}.{key}")));
        let sides: Vec<(String, String)> = sides.collect();
        let conditions: Vec<String> = conditions.iter().map(|condition| self.of_table(condition)).collect();
        let delete = |tests: Vec<String>| {
            let tests = tests.into_iter().chain(conditions.iter().map(|condition| format!("({condition})")));
            Statement::new(format!("{head}\nwhere {}", tests.collect::<Vec<_>>().join(" and ")))
        };
        let equal = sides.iter().map(|(old, new)| format!("{old} = {new}")).collect();
        let null_safe = self.dialect.capabilities().null_safe;
        let any_null: Vec<String> = sides.iter().map(|(_, new)| format!("{new} is null")).collect();
        let mut with_null = vec![format!("({})", any_null.join(" or "))];
        with_null.extend(sides.iter().map(|(old, new)| null_safe.equal(old, new)));
        vec![delete(equal), delete(with_null)]
    }

    /// Replaces the partitions that the new rows touch, whole. A partition of NULL is one like any other.
    /// If some are named they are what is replaced.
    pub(super) fn overwrite(&self, partition: &str, named: &[String], conditions: &[String]) -> Vec<ScriptStatement> {
        let capabilities = self.dialect.capabilities();
        let staged = self.staged;
        // Conditions name it so; and a column that is called like the table is not taken for a whole row.
        let alias = if capabilities.deletion.has_alias() { format!(" as {TABLE}") } else { String::new() };
        let head = format!("delete from {}{alias}", self.relation);
        let conditions = conditions.iter().map(|condition| format!(" and ({})", self.of_table(condition)));
        let conditions: String = conditions.collect();
        let touched = match named {
            [] if !capabilities.multi_statements => format!("(select {partition} from {staged})"),
            named => self.list(named),
        };
        let of_null = format!(
            "{head} where ({partition}) is null and exists (select 1 from {staged} where ({partition}) is null){conditions}"
        );
        let of_null = named.is_empty().then(|| ScriptStatement::run(of_null));
        let deletes = iter::once(ScriptStatement::run(format!("{head} where ({partition}) in {touched}{conditions}")));
        deletes.chain(of_null).chain([ScriptStatement::Count(self.insert())]).collect()
    }

    /// Replaces the rows of the table that a condition holds for.
    pub(super) fn replace(&self, condition: &str) -> [ScriptStatement; 2] {
        let delete = ScriptStatement::run(format!("delete from {} where {condition}", self.relation));
        [delete, ScriptStatement::Count(self.insert())]
    }

    /// A query for some of the new rows that a column does not put between two bounds.
    pub(super) fn all_but(&self, column: &str, data_type: &str, start: &str, end: &str) -> Statement {
        let value = format!("cast({column} as {data_type})");
        Statement::new(format!(
            "select {column} from {} where {column} is null or {value} < {start} or {value} >= {end} limit 5",
            self.staged
        ))
    }

    /// Refuses new rows that belong to none of the partitions that are replaced: they would be added again on each run.
    pub(super) fn outside(&self, partition: &str, named: &[String]) -> Option<ScriptStatement> {
        let staged = self.staged;
        let outside = format!("({partition}) is null or ({partition}) not in {}", self.list(named));
        (!named.is_empty()).then(|| ScriptStatement::Guard {
            query: Statement::new(format!(
                "select {partition} as partition_of_row from {staged} where {outside} limit 5"
            )),
            message: format!("not all new rows belong to the partitions that are replaced ({})", named.join(", ")),
            help: "filter them in the query, or name their partitions in `partitions`".to_owned(),
        })
    }

    /// Lets only rows of the table be matched that lie between the least and the greatest value of a column in the new
    /// rows. NULL is neither, and may have a match. Gives what declares the variables for that.
    pub(super) fn bound(&mut self, column: &str, data_type: Option<&str>) -> Vec<Statement> {
        let value = self.columns.iter().position(|written| written.name.eq_ignore_ascii_case(column));
        let value = value.and_then(|at| self.values("").into_iter().nth(at)).unwrap_or_else(|| column.to_owned());
        self.bounds = Some(format!("({TABLE}.{column} between {FIRST} and {LAST} or {TABLE}.{column} is null)"));
        let bound = |(name, aggregate)| {
            declare(name, data_type, &format!("(select {aggregate}({value}) from {})", self.staged))
        };
        [(FIRST, "min"), (LAST, "max")].map(bound).to_vec()
    }

    /// Replaces one partition, where rows go to that of the time at which they come in.
    pub(super) fn overwrite_arrival(&self, conditions: &[String]) -> Vec<ScriptStatement> {
        let Self { relation, staged, .. } = self;
        let conditions: String = conditions.iter().map(|condition| format!(" and ({condition})")).collect();
        let (names, values) = (self.names(), self.values("").join(", "));
        vec![
            ScriptStatement::run(format!(
                "delete from {relation} as {TABLE} where _PARTITIONTIME = {ARRIVAL}{conditions}"
            )),
            ScriptStatement::Count(Statement::new(format!(
                "insert into {relation} (_PARTITIONTIME, {names}) select {ARRIVAL}, {values} from {staged}"
            ))),
        ]
    }

    /// The partition that is replaced, as a variable: the one that is named, or that of this moment, which stays the same
    /// if midnight comes.
    pub(super) fn declare_arrival(unit: TimeUnit, named: Option<&String>) -> Statement {
        let moment = named.map_or_else(|| "current_timestamp()".to_owned(), |named| format!("timestamp({named})"));
        declare(ARRIVAL, Some("timestamp"), &format!("timestamp_trunc({moment}, {})", unit.word()))
    }

    /// Behind IN. Only partitions that a constant or a variable names are left unread; a variable also stays the same if
    /// midnight comes.
    fn list(&self, named: &[String]) -> String {
        if self.dialect.capabilities().multi_statements {
            format!("unnest({TOUCHED})")
        } else {
            format!("({})", named.join(", "))
        }
    }

    /// The partitions that are named, as a variable.
    pub(super) fn declare_named(named: &[String], data_type: Option<&str>) -> Statement {
        declare(TOUCHED, array_of(data_type).as_deref(), &format!("[{}]", named.join(", ")))
    }

    /// The partitions that the new rows touch, as a variable.
    pub(super) fn declare_touched(&self, partition: &str, data_type: Option<&str>) -> Statement {
        let staged = self.staged;
        let touched = format!("array(select distinct {partition} from {staged} where ({partition}) is not null)");
        declare(TOUCHED, array_of(data_type).as_deref(), &touched)
    }

    /// A condition without the words of Dataform, where the table of a DELETE can have no other name.
    fn of_table(&self, condition: &str) -> String {
        if self.dialect.capabilities().deletion.has_alias() {
            return condition.to_owned();
        }
        let Ok(tokens) = Tokenizer::new(self.dialect.grammar(), condition).with_unescape(false).tokenize() else {
            return condition.to_owned();
        };
        let name = |token: &Token| match token {
            Token::Word(word) if word.value.eq_ignore_ascii_case(TABLE) => self.relation.to_owned(),
            Token::Word(word) if word.value.eq_ignore_ascii_case(NEW_ROWS) => self.staged.to_owned(),
            other => other.to_string(),
        };
        tokens.iter().map(name).collect()
    }
}

fn array_of(data_type: Option<&str>) -> Option<String> {
    data_type.map(|data_type| format!("array<{data_type}>"))
}
