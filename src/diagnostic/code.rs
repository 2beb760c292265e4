use std::fmt;
use std::str::FromStr;

/// Declares every code with its name; its doc comment is the page that `trueup explain` prints. `check` stands behind those
/// that only the analysis of the SQL gives: a project can set how bad these are.
macro_rules! codes {
    ($($(#[doc = $line:literal])+ $variant:ident = $name:literal $($check:ident)?,)+) => {
        /// A kind of mistake.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[doc = $line])+ $variant,)+
        }

        impl Code {
            /// Every code, in alphabetical order of its name.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As people write it: `unknown-ref`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Those of which a project can set how bad they are.
            pub const CHECKS: &'static [Self] = &[$($(codes!(@$check $variant),)?)+];

            /// Its page, in Markdown: what it means, an example, what to do.
            pub fn page(self) -> String {
                let lines: &[&str] = match self {
                    $(Self::$variant => &[$($line,)+],)+
                };
                lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
            }
        }
    };
    (@check $variant:ident) => { Self::$variant };
}

codes! {
    /// A relation that another one would take the place of without all that is granted on it.
    ///
    /// Where the config asks for other partitions or clusters, or for a view in place of a table, BigQuery has to make a new
    /// relation under the old name. It is given the grants and the row access policies of the old one first. Some of them no
    /// statement can give: grants under a condition, grants to what `GRANT` has no word for, row access policies of what is
    /// no table. So that nothing is lost and no row is seen by somebody who should not, nothing is run.
    ///
    /// What to do: take back the grant that the message names, run, and grant it again; or grant it on the dataset. A row access
    /// policy that is dropped opens its rows, so keep readers out of the table first, or let the config say what is there.
    AccessLost = "access-lost",

    /// A column that more than one relation of a query has.
    ///
    /// ```sql
    /// select id from orders join customers on orders.customer_id = customers.id             -- whose id?
    /// select orders.id from orders join customers on orders.customer_id = customers.id
    /// ```
    ///
    /// What to do: write the relation or its alias before the column.
    AmbiguousColumn = "ambiguous-column" check,

    /// A `ref()` that more than one action answers to.
    ///
    /// Two actions may share a name if their schemas differ; a ref by that name alone does not say which one is meant.
    ///
    /// ```sqlx
    /// select * from ${ref("orders")}             -- staging.orders or mart.orders?
    /// select * from ${ref("staging", "orders")}  -- this one
    /// ```
    ///
    /// What to do: name the schema (and, if need be, the database) in the ref.
    AmbiguousRef = "ambiguous-ref",

    /// An assertion found rows that should not be there.
    ///
    /// The first of them are shown. Those of the last run are in the view that is named like the assertion, in the schema
    /// for assertions. What depends on the assertion was skipped.
    ///
    /// What to do: look at the rows. Either the data is wrong, or the assertion says too much.
    AssertionFailed = "assertion-failed",

    /// A block that Dataform would take for SQL.
    ///
    /// Dataform wants exactly one space between the word and the brace: `config {`. With none, or with more white space,
    /// it says nothing and makes operations of the file, with the config in their text. trueup reads the block as what is
    /// meant.
    ///
    /// What to do: write one space, so that Dataform reads it, too.
    BlockSpacing = "block-spacing",

    /// The query of a model gives other columns than its config says.
    ///
    /// Types are compared wherever the config has one; names only where it is a contract, which has all columns. How long a
    /// text or a number may be does not count, and what has no type that is known is not compared.
    ///
    /// ```sqlx
    /// config {
    ///   type: "table",
    ///   contract: true,
    ///   columns: { id: { type: "bigint" }, name: { type: "text", description: "as it is printed" } },
    /// }
    /// select 1 as id, 'tea' as title          -- `name` is missing, `title` is too much, and `id` is an integer
    /// ```
    ///
    /// What to do: correct the query, or the contract if readers can live with that.
    BrokenContract = "broken-contract" check,

    /// Actions that depend on each other in a circle, so that none can run first.
    ///
    /// The shortest circle is shown, with the place of each ref that makes it.
    ///
    /// ```sqlx
    /// -- a.sqlx
    /// select * from ${ref("b")}
    /// -- b.sqlx
    /// select * from ${ref("a")}
    /// ```
    ///
    /// What to do: take one of the refs out, or split one of the models. A model that reads its own table uses
    /// `self()`, which is no dependency.
    CircularDependency = "circular-dependency",

    /// A set operation whose sides have different numbers of columns, or an INSERT that gives too many or too few.
    ///
    /// ```sql
    /// select id, name from customers union all select id from suppliers
    /// insert into totals (day, amount) select day from sales
    /// ```
    ///
    /// It is told where all columns are known, and no warehouse takes it.
    ///
    /// What to do: select the same columns in the same order on both sides; `null as name` where one has none.
    ColumnCount = "column-count" check,

    /// Two actions with the same full name.
    ///
    /// Database, schema and name together must be unique over tables, views, declarations, assertions and operations:
    /// each is one object in the warehouse. A file's action is called as its `name` says, or else as the file.
    ///
    /// What to do: rename one, or give it another `schema`.
    DuplicateAction = "duplicate-action",

    /// A block that a file may hold once stands in it a second time.
    ///
    /// As in Dataform the last one counts, and the earlier ones have no effect.
    ///
    /// What to do: put their contents into one block.
    DuplicateBlock = "duplicate-block",

    /// A key that a config has a second time.
    ///
    /// As in JavaScript the last one counts, and the earlier ones have no effect.
    ///
    /// ```sqlx
    /// config { type: "table", tags: ["daily"], tags: ["sales"] }
    /// config { type: "table", tags: ["daily", "sales"] }
    /// ```
    ///
    /// What to do: take one of them out.
    DuplicateKey = "duplicate-key",

    /// A join that can give several rows for one value of the key that the model declares.
    ///
    /// A model declares a key by `uniqueKey` or by an assertion on it. The keys of what it joins are known from such
    /// declarations, and from `GROUP BY`, `DISTINCT` and `QUALIFY`. If a relation is joined by columns that tell the rows before
    /// it apart, and that are none of its own keys, a row finds several partners. What has no key that is known is not reported.
    ///
    /// ```sqlx
    /// config { type: "table", assertions: { uniqueKey: ["customer_id"] } }
    /// select customers.customer_id, orders.amount
    /// from ${ref("customers")} customers
    /// join ${ref("orders")} orders on orders.customer_id = customers.customer_id     -- orders are told apart by order_id
    /// ```
    ///
    /// What to do: bring the rows of the other relation together first, such as by `GROUP BY` in a subquery; join by a key of
    /// it; or declare the key that the model really has.
    FanOut = "fan-out" check,

    /// A file under `definitions/` that is not read.
    ///
    /// An action is a `.sqlx` file, an entry of an `actions.yaml`, or made by a `.js` file. A `.sql` file that no
    /// `actions.yaml` names, and that no code requires, is nothing.
    ///
    /// What to do: make a `.sqlx` file of it, or name it in an `actions.yaml`.
    IgnoredFile = "ignored-file",

    /// The two texts of an incremental model give different columns.
    ///
    /// The table has the columns of the text for a full build. Rows of the other text are written to columns of the same
    /// names, in whatever order. If one is missing a run fails, or drops the column where `onSchemaChange` is
    /// `"SYNCHRONIZE"`; one that the table does not have is left out, or added to what the next full build makes without it.
    ///
    /// ```sqlx
    /// config { type: "incremental" }
    /// select id, ts ${when(!incremental(), ", name")} from ${ref("events")}
    /// ```
    ///
    /// What to do: select the same columns in both.
    IncrementColumns = "increment-columns" check,

    /// A count or a sum that is divided by another one, in a dialect where whole numbers give a whole number.
    ///
    /// ```sql
    /// select count(paid_at) / count(*) as paid_share from orders          -- 0, or 1 if all are paid
    /// select 1.0 * count(paid_at) / count(*) as paid_share from orders
    /// ```
    ///
    /// PostgreSQL and Redshift cut off what stands behind the point; BigQuery and DuckDB do not. Told of counts, sums of whole
    /// numbers, and `1 / x`, which are hardly ever divided for a whole number.
    ///
    /// What to do: make one side a number with decimals before the division.
    IntegerDivision = "integer-division" check,

    /// The file `catalog.json` cannot be read.
    ///
    /// `trueup catalog` writes it: names and types of the columns of declared tables, as a warehouse tells them. The place is
    /// where it is not JSON, or not what trueup has written. A file of that name that is none of trueup's is a warning.
    ///
    /// ```json
    /// {
    ///   "catalog_version": 1,
    ///   "dialect": "duckdb",
    ///   "relations": {
    ///     "raw.orders": { "id": "BIGINT", "amount": "DECIMAL(10,2)" }
    ///   }
    /// }
    /// ```
    ///
    /// What to do: write it anew with `trueup catalog`; after a merge, too.
    InvalidCatalog = "invalid-catalog",

    /// A config value of the wrong type, or one that is not allowed.
    ///
    /// ```sqlx
    /// config { type: "incremental", tags: "daily" }    -- tags is a list
    /// config { type: "incremental", tags: ["daily"] }
    /// ```
    ///
    /// The message says what is expected in this place.
    InvalidConfig = "invalid-config",

    /// The JavaScript of a `${…}`, a `js {}` or `config {}` block or an include does not parse or throws an error.
    ///
    /// The place is the line inside the block. An error that an include throws is shown with the call and the place in
    /// the include.
    ///
    /// What to do: mend the code. The functions at hand in SQL are `ref`, `resolve`, `self`, `name`, `schema`,
    /// `database`, `incremental` and `when`; variables of the project are `dataform.projectConfig.vars.name`. What a
    /// `js {}` block declares can be seen in the file's SQL but not in its `config {}`. Code has no access to files, the
    /// network or the process.
    InvalidJavascript = "invalid-javascript",

    /// A Jinja tag or macro does not parse, or fails.
    ///
    /// The place is the tag; if the failure is inside a macro both the call and the line in the macro are shown.
    ///
    /// What to do: mend the tag. A project that does not use Jinja can turn it off with `jinja: false` in
    /// `trueup.yaml`; a single piece of text is kept as it is between `{% raw %}` and `{% endraw %}`.
    InvalidJinja = "invalid-jinja",

    /// The project's settings file has a mistake.
    ///
    /// Settings are in `trueup.yaml`, or in Dataform's `workflow_settings.yaml` or `dataform.json`. The message says
    /// which key or value is not understood; `docs/configuration.md` lists them all.
    InvalidSettings = "invalid-settings",

    /// JavaScript that ran for too long or took too much memory.
    ///
    /// Each piece of code in a project gets two seconds, all of it together 256 MiB and a stack of 1 MiB, so that an
    /// endless loop ends in this message and not in a compile that never comes back.
    ///
    /// What to do: look for a loop, or for a function that calls itself, without an end.
    JavascriptLimit = "javascript-limit",

    /// An incremental table that has other partitions or clusters than its config asks for.
    ///
    /// Rows are added to the table as it lies. To put those that are there into other partitions all of them have to be
    /// written anew, which costs as much as the table is large, so that it is done only when it is asked for.
    ///
    /// What to do: build the table anew with `trueup run --full-refresh --select NAME`, or let the config say how the table
    /// lies.
    LayoutDiffers = "layout-differs",

    /// A LEFT JOIN that WHERE makes an inner one of.
    ///
    /// ```sql
    /// select c.id, o.amount from customers c left join orders o on o.customer_id = c.id
    /// where o.state = 'paid'        -- no customer without an order is left
    /// ```
    ///
    /// Where there is no order `o.state` is NULL, so the comparison is not true. It is told of comparisons that stand by
    /// themselves or under AND; not of `is null`, `coalesce(…)` and OR, and not if WHERE asks for `is not null` of that side.
    ///
    /// What to do: move the condition into ON, so that the customers stay; or write JOIN, so that it says what it does.
    LostLeftJoin = "lost-left-join" check,

    /// An aggregate or a window function where no warehouse takes one.
    ///
    /// ```sql
    /// select customer_id from orders where count(*) > 1 group by customer_id      -- HAVING
    /// select id from orders where row_number() over (order by id) = 1             -- a subquery, or QUALIFY
    /// select sum(count(*)) from orders group by day                               -- a subquery
    /// ```
    ///
    /// WHERE, the conditions of joins and GROUP BY are looked at row by row, before there are groups. HAVING is looked at
    /// before there are windows.
    ///
    /// What to do: compute it in a subquery, or write the condition into HAVING or QUALIFY.
    MisplacedAggregate = "misplaced-aggregate" check,

    /// A block in a file whose type has no use for it.
    ///
    /// `pre_operations` and `post_operations` belong to tables, views and incremental tables; `incremental_where` to
    /// incremental tables; `input` to tests. Only operations, `pre_operations` and `post_operations` may hold more than one
    /// statement (`---`).
    ///
    /// What to do: change the `type` in the config, or move the block to the file that it belongs to.
    MisplacedBlock = "misplaced-block",

    /// A unit test does not give the rows of a relation that the tested model reads.
    ///
    /// A test stands on its own: every relation that the model refers to needs an `input` block, with the name that the
    /// model uses in its ref.
    ///
    /// ```sqlx
    /// config { type: "test", dataset: "daily_orders" }
    /// input "orders" { select 1 as id, date '2024-01-01' as day }
    /// select date '2024-01-01' as day, 1 as orders
    /// ```
    MissingInput = "missing-input",

    /// An incremental model that selects the same rows on each run.
    ///
    /// Its text for further runs looks neither at its own table nor at a time or a variable. Without a unique key all rows are
    /// added once more; with one the result is right, but nothing is saved.
    ///
    /// ```sqlx
    /// config { type: "incremental" }
    /// select id, ts from ${ref("events")}
    /// ${when(incremental(), `where ts > (select max(ts) from ${self()})`)}      -- this line says what is new
    /// ```
    ///
    /// What to do: select only what is new if `incremental()`, or make it a table. If what it reads holds new rows only, say so:
    /// `-- trueup: ignore no-increment`.
    NoIncrement = "no-increment" check,

    /// An action that compiles and that trueup does not run.
    ///
    /// Notebooks, data preparations and property graphs are run by BigQuery's own pipelines, and code given to `jitCode` by
    /// Dataform's. They are in the graph, so that others may depend on them; a run passes over them.
    ///
    /// What to do: nothing, if they run elsewhere. Otherwise make a table or operations of them.
    NotRun = "not-run",

    /// A `count(distinct …)` of values put together, of which one can be NULL.
    ///
    /// ```sql
    /// select count(distinct country || city) from visits      -- visits without a city do not count
    /// ```
    ///
    /// A text that is put together with NULL is NULL, and NULL is not counted.
    ///
    /// What to do: write `coalesce(city, '')`, or count the rows of `select distinct country, city`.
    NullableCount = "nullable-count" check,

    /// A name in a subquery that means a column of the outer query, and most likely should not.
    ///
    /// ```sqlx
    /// select timestamp as event_time from raw
    /// ${when(incremental(), `where timestamp > (select max(timestamp) from ${self()})`)}
    /// ```
    ///
    /// The model's own table calls the column `event_time`. Inside the brackets `timestamp` is then the column of `raw`,
    /// A column of a unique key that can be NULL.
    ///
    /// When rows of an incremental table are replaced by their unique key, NULLs count as equal: all rows without the key take
    /// the place of each other. The column comes from an outer join, or is NULL in one of its branches.
    ///
    /// ```sqlx
    /// config { type: "incremental", uniqueKey: ["user_id"] }
    /// select users.user_id, events.ts
    /// from ${ref("events")} events left join ${ref("users")} users on users.name = events.name
    /// ```
    ///
    /// What to do: leave such rows out, give them a value, or take another key. An assertion `nonNull` says that there are none.
    NullableKey = "nullable-key" check,

    /// NOT IN with a subquery that can give NULL.
    ///
    /// ```sql
    /// select * from customers where id not in (select referred_by from customers)
    /// ```
    ///
    /// If there is a single NULL among the values, the comparison is true for no row, and the query gives nothing. It is told
    /// where the column is known to be NULL at times, for example behind a LEFT JOIN.
    ///
    /// What to do: write `where referred_by is not null` in the subquery, or `not exists (…)`.
    NullableNotIn = "nullable-not-in" check,

    /// A name in a subquery that means a column of the outer query, and most likely should not.
    ///
    /// ```sqlx
    /// select timestamp as event_time from raw
    /// ${when(incremental(), `where timestamp > (select max(timestamp) from ${self()})`)}
    /// ```
    ///
    /// The model's own table calls the column `event_time`. Inside the brackets `timestamp` is then the column of `raw`,
    /// which is compared with itself: from the second run on no row is ever added. BigQuery takes this without a word, so
    /// it is a warning there; in WHERE the others refuse an aggregate of the outer query's columns, so it is an error.
    ///
    /// It is told where all columns of what the subquery reads are known, and the name leaves it without any of its own: in
    /// its select list, or in a comparison with another column of the outer query. To tie a subquery to the outer query
    /// by such a name, as in `exists (select 1 from orders where customer_id = id)`, is fine.
    ///
    /// What to do: write the name that the column has in the model.
    OuterName = "outer-name" check,

    /// A name without quotes that looks like a column and is the user of the session.
    ///
    /// In PostgreSQL and Redshift `user` is a synonym of `current_user`, also where a table has a column of that name:
    ///
    /// ```sql
    /// select user, count(*) from events group by user   -- one row, with the name of who is connected
    /// ```
    ///
    /// It is told where a relation is read and a value that is the same in all rows makes no sense: in the select list
    /// without another name, in GROUP BY, and in the arguments of a function; and everywhere, if a relation that is read
    /// describes a column of that name.
    ///
    /// What to do: write the column as `"user"`, and the user of the session as `current_user`.
    SessionValue = "session-value" check,

    /// SQL that trueup could not read from this place on.
    ///
    /// This is a warning: it may well be right. trueup's parser does not know every statement of every warehouse; what
    /// it does not understand it sends as it is, but it cannot check it or translate it for another warehouse.
    ///
    /// What to do: nothing, if the warehouse takes it.
    SqlNotUnderstood = "sql-not-understood" check,

    /// SQL that the warehouse would surely refuse.
    ///
    /// For example a bracket that is never closed, a misspelt keyword, or a comma before FROM. The place is the one in
    /// the `.sqlx` file, even if the text comes out of a template.
    SqlSyntax = "sql-syntax" check,

    /// Rows that are lost because an incremental model takes only what is beyond the largest time in its table.
    ///
    /// A row that comes late, with an earlier time than one that is there, is never read; nor is a second row of the same time
    /// if the first one has been read alone.
    ///
    /// ```sqlx
    /// config { type: "incremental", uniqueKey: ["id"] }
    /// select id, ts from ${ref("events")}
    /// where ts > (select max(ts) from ${self()})                               -- loses rows
    /// where ts >= (select max(ts) - interval '1 day' from ${self()})           -- reads a day again, and replaces it
    /// ```
    ///
    /// What to do: give the model a `uniqueKey`, and look back as long as rows can be late. Where nothing comes late and no two
    /// rows have the same time, silence it there: `-- trueup: ignore strict-watermark`.
    StrictWatermark = "strict-watermark" check,

    /// Text that ends in blanks, in a project whose SQL takes such blanks for nothing.
    ///
    /// Redshift ignores blanks at the end of a text where it compares, groups or joins: `'a '` is `'a'`. DuckDB does not.
    /// Those in the SQL are seen to by translation; those in the data can only be looked for, in the tables that a run has
    /// built and in the declared tables that it has read.
    ///
    /// What to do: take them off where they come in, with `rtrim(…)` in the model that reads the declared table.
    TrailingBlanks = "trailing-blanks",

    /// Values of types that the warehouse does not bring together.
    ///
    /// In a comparison, in the halves of a `UNION`, in the branches of a `CASE` or a `COALESCE`. It is reported only where both
    /// types are known and the warehouse surely refuses the query. Literals become what they stand beside.
    ///
    /// ```sql
    /// select * from orders join days on orders.ordered_on = days.name      -- a date and a text
    /// ```
    ///
    /// What to do: cast one of them.
    TypeMismatch = "type-mismatch" check,

    /// A table that is read by its path, and that no file declares.
    ///
    /// ```sqlx
    /// select * from raw.changes           -- a mere text
    /// select * from ${ref("changes")}     -- with definitions/sources/changes.sqlx:
    ///                                     -- config { type: "declaration", schema: "raw", name: "changes" }
    /// ```
    ///
    /// Without a declaration nothing can be said of its columns, it is in no graph, and no environment can put other rows in
    /// its place. It is told of names with a schema in models and assertions; not of tables of the system, and not of those that
    /// a statement of the project makes.
    ///
    /// What to do: add the declaration that the help names, and read the table by `ref()`.
    UndeclaredTable = "undeclared-table" check,

    /// A star in the select list of a model whose `columns` are described.
    ///
    /// ```sqlx
    /// config { type: "table", columns: { id: "Number of the order", amount: "In euros" } }
    /// select * from ${ref("raw_orders")}
    /// ```
    ///
    /// The config says what the columns are, and nothing in the select list does. It is told if a column that is described is
    /// not among those of the star, or if nobody knows, because the relation that is read is declared without its columns.
    ///
    /// What to do: name the columns in the select list, or say what the columns of the declared relation are.
    UndescribedStar = "undescribed-star" check,

    /// An action that cannot be what its config says.
    ///
    /// For example a table whose query is empty, a query that ends in a semicolon, a name with a dot in it, or operations
    /// that are the target of a ref but have no output. With `trueup test --on-warehouse` also an `input` for a relation that
    /// the model names without a ref: only a ref can be led to the rows of a test.
    UnfitAction = "unfit-action",

    /// A column beside aggregates that is neither in GROUP BY nor in an aggregate.
    ///
    /// ```sql
    /// select customer_id, name, sum(amount) from orders group by customer_id            -- which name?
    /// select customer_id, max(name), sum(amount) from orders group by customer_id
    /// ```
    ///
    /// In PostgreSQL the primary key of a table determines its other columns, so there nothing is said of tables that may have
    /// one.
    ///
    /// What to do: add the column to GROUP BY, or say by an aggregate which of its values is meant.
    UngroupedColumn = "ungrouped-column" check,

    /// A unit test gave other rows than it expects.
    ///
    /// Rows with a `-` are expected and missing, rows with a `+` are there and not expected. The order of rows and of
    /// columns does not count.
    ///
    /// What to do: mend the model, or correct the expectation.
    UnitTestFailed = "unit-test-failed",

    /// A name before a column that no relation of the query has.
    ///
    /// ```sql
    /// select o.id from orders as ord       -- ord is its name here, and neither o nor orders
    /// select ord.id from orders as ord
    /// ```
    ///
    /// What to do: correct the name. A relation that has an alias is called by it alone.
    UnknownAlias = "unknown-alias" check,

    /// A column that none of the relations of the query has.
    ///
    /// It is told where all columns of these are known: those of models from their SQL, those of declared tables from
    /// their `columns` with `contract: true` or from `catalog.json`. Where one of them may have more, nothing is said.
    ///
    /// What to do: correct the name.
    UnknownColumn = "unknown-column" check,

    /// A config key that is not known.
    ///
    /// Keys of a misspelt name would otherwise have no effect, without a word. Near names are offered;
    /// `docs/language.md` lists the keys of each type.
    UnknownConfigKey = "unknown-config-key",

    /// A `ref()` or a dependency to a name that no file declares.
    ///
    /// ```sqlx
    /// select * from ${ref("ordrs")}   -- did you mean `orders`?
    /// ```
    ///
    /// What to do: correct the name. For a table that something else than this project makes, add a file with
    /// `config { type: "declaration", schema: "…", name: "…" }`.
    UnknownRef = "unknown-ref",

    /// A `var()` that the settings do not have.
    ///
    /// What to do: add it under `vars` in the settings, give it on the command line with `--vars name=value`, or give
    /// the call a second argument as its default: `var("start", "2024-01-01")`.
    UnknownVariable = "unknown-variable",

    /// A `${…}` whose value has no text of its own.
    ///
    /// JavaScript makes the words `undefined`, `null` and `[object Object]` of such values, and they become a part of the
    /// SQL. Dataform does the same without a word.
    ///
    /// ```sqlx
    /// select ${constants.culumn} from …         -- select undefined from …
    /// ${incremental() ? "where …" : undefined}
    /// ${when(incremental(), "where …")}         -- nothing in a full run
    /// ```
    ///
    /// What to do: correct the name; give `""` where nothing is meant, and the string `"null"` where SQL's NULL is.
    UnprintableValue = "unprintable-value",

    /// A file that cannot be read.
    ///
    /// Sources are text in UTF-8; a byte-order mark at the start is left out. Of a file with the marks of a merge in it
    /// (`<<<<<<<`, `=======`, `>>>>>>>`) nothing else is reported; if the project compiles for all that, it is a warning.
    ///
    /// What to do: save the file as UTF-8, or see whether you are allowed to read it. Bring the merge to its end.
    UnreadableFile = "unreadable-file",

    /// A block or a `${…}` that is never closed.
    ///
    /// The rest of the file is taken to be inside of it.
    ///
    /// What to do: add the missing `}`. Each `{` of the SQL or the JavaScript in a block needs one of its own, but for
    /// those in strings, comments and `${…}`.
    Unterminated = "unterminated",

    /// A construct that has no equal on the warehouse of this environment.
    ///
    /// Models are written in the SQL of one warehouse and can run on another by translation. Where nothing there gives
    /// the same rows, trueup says so rather than run something else.
    ///
    /// What to do: write it in a way that both understand, or run this model in an environment of its own warehouse.
    Untranslatable = "untranslatable",

    /// A common table expression that nothing reads.
    ///
    /// ```sql
    /// with paid as (select * from orders where state = 'paid')
    /// select * from orders               -- paid was meant?
    /// ```
    ///
    /// What to do: read it, or take it out.
    UnusedCte = "unused-cte" check,

    /// An `input` that the tested model never reads.
    ///
    /// Most often a misspelt name: the model then reads a relation for which the test gives no rows.
    ///
    /// What to do: name the input as the model's ref names it, or take it out.
    UnusedInput = "unused-input",

    /// SQL below the config of a declaration.
    ///
    /// A declaration names a table that something else makes. Nothing is run for it, so what stands below its config has
    /// no effect.
    ///
    /// What to do: take it out, or give the file the `type` that it should have. Comments are welcome.
    UnusedSql = "unused-sql",

    /// A comment that silences a check where that check finds nothing.
    ///
    /// `trueup: ignore`, at the beginning of a comment, silences checks on its own line and on the next line of code. What
    /// silences nothing hides the next mistake, or the name of a check is misspelt.
    ///
    /// ```sqlx
    /// select * from ${ref("orders")}
    /// -- trueup: ignore outer-name
    /// where ts > (select max(ts) from ${self()})    -- nothing is wrong here
    /// ```
    ///
    /// What to do: take the comment out, or correct the name.
    UselessIgnore = "useless-ignore" check,

    /// A statement that the warehouse refused or could not finish.
    ///
    /// The step was undone: its table is as it was before. What depends on it was skipped, the rest of the run went on.
    ///
    /// What to do: the message is the warehouse's own. If it points at a place, that is shown in your file.
    WarehouseError = "warehouse-error",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|code| code.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_and_documented() {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        for code in Code::ALL {
            assert!(code.page().lines().count() > 2, "{code} has no page");
            assert_eq!(code.name().parse(), Ok(*code));
        }
    }
}
