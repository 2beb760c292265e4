"""Google's own client against the stand-in: what it makes of the answers is what they mean."""

import io
import os
import sys
import time

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import BadRequest, Conflict, GoogleAPICallError, NotFound, ServiceUnavailable
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from google.cloud.bigquery import LoadJobConfig, QueryJobConfig, SchemaField
from google.cloud.bigquery.table import TimePartitioning


def own(*words):
    """Asks the stand-in as sessions do."""
    import subprocess

    script = os.path.join(os.path.dirname(__file__), "standin")
    return subprocess.run([sys.executable, script, *words], check=True, capture_output=True, text=True).stdout


def fails(kind, work):
    try:
        work()
    except kind as error:
        return str(error)
    raise AssertionError(f"no {kind.__name__}")


def once(client, sql, **configuration):
    """A statement, without the client's own retries."""
    job_id = configuration.pop("job_id", None)
    location = configuration.pop("location", "US")
    job = client.query(
        sql, job_id=job_id, location=location, job_config=QueryJobConfig(**configuration), retry=None, job_retry=None
    )
    if not configuration.get("dry_run"):
        job.result(retry=None)
    return job


def datasets_and_tables(client):
    dataset = bigquery.Dataset(f"{client.project}.shop")
    dataset.location, dataset.labels = "US", {"team": "shop"}
    client.create_dataset(dataset)
    assert client.get_dataset("shop").location == "US"
    assert [found.dataset_id for found in client.list_datasets()] == ["shop"]
    fails(Conflict, lambda: client.create_dataset(dataset))
    fails(NotFound, lambda: client.get_dataset("nowhere"))

    table = bigquery.Table(f"{client.project}.shop.orders", [SchemaField("id", "INT64"), SchemaField("day", "DATE")])
    table.time_partitioning = TimePartitioning(field="day")
    client.create_table(table)
    once(
        client,
        "insert into shop.orders select x, date_add(date '2024-01-01', interval x day) from unnest(generate_array(1, 25)) x",
    )
    table = client.get_table("shop.orders")
    assert (table.num_rows, table.time_partitioning.field) == (25, "day")
    table.labels, table.description = {"a": "b"}, "all orders"
    table.schema = [*table.schema, SchemaField("note", "STRING", description="what was said")]
    table = client.update_table(table, ["labels", "description", "schema"])
    assert (table.labels, table.description, table.schema[2].description) == ({"a": "b"}, "all orders", "what was said")
    table.labels = {"a": None, "c": "d"}
    assert client.update_table(table, ["labels"]).labels == {"c": "d"}
    assert [found.table_id for found in client.list_tables("shop")] == ["orders"]


def ddl(client):
    once(
        client,
        """
        create table shop.items (id int64 options (description = 'key'), seen timestamp, price numeric, more struct<a int64, b string>)
        partition by timestamp_trunc(seen, hour) cluster by id
        options (description = 'things', labels = [('x', 'y')], require_partition_filter = true)""",
    )
    table = client.get_table("shop.items")
    assert (table.time_partitioning.type_, table.clustering_fields, table.labels) == ("HOUR", ["id"], {"x": "y"})
    assert (table.description, table.schema[0].description, table.require_partition_filter) == ("things", "key", True)
    message = fails(BadRequest, lambda: once(client, "select id from shop.items"))
    assert "without a filter over column(s) 'seen'" in message, message
    message = fails(BadRequest, lambda: once(client, "create or replace table shop.items as select 1 as id"))
    assert "Cannot replace a table with a different partitioning spec" in message, message
    once(
        client,
        "alter table shop.items set options (description = 'other', labels = [('z', 'y')], require_partition_filter = false)",
    )
    once(client, "alter table shop.items alter column id set options (description = 'number')")
    once(client, "alter table shop.items add column more_still string")
    table = client.get_table("shop.items")
    assert (table.description, table.labels, table.schema[0].description) == ("other", {"z": "y"}, "number")
    assert table.schema[-1].name == "more_still"
    once(client, "create view shop.shown options (description = 'seen') as select id from shop.items")
    view = client.get_table("shop.shown")
    assert (view.table_type, view.description) == ("VIEW", "seen")
    once(client, "drop view shop.shown")
    fails(NotFound, lambda: client.get_table("shop.shown"))


def jobs(client):
    job = once(client, "select 1 as n", job_id="first", labels={"run": "7"}, priority="BATCH")
    assert client.get_job("first", location="US").labels == {"run": "7"}
    assert "Already Exists: Job" in fails(
        Conflict,
        lambda: client._call_api(
            None,
            method="POST",
            path=f"/projects/{client.project}/jobs",
            data={
                "jobReference": {"projectId": client.project, "jobId": "first", "location": "US"},
                "configuration": {"query": {"query": "select 1", "useLegacySql": False}},
            },
        ),
    )
    listed = list(client.list_jobs(max_results=1))
    assert [found.job_id for found in listed] == [job.job_id]
    assert {found.state for found in client.list_jobs(state_filter="done")} == {"DONE"}
    assert list(client.list_jobs(state_filter="running")) == []

    script = once(
        client,
        "begin create temp table t as select 1 as n; insert into t values (2); end; select n from shop.orders, t where false",
    )
    children = sorted(client.list_jobs(parent_job=script), key=lambda child: child.created)
    assert [child.statement_type for child in children] == ["CREATE_TABLE_AS_SELECT", "INSERT", "SELECT"] or len(
        children
    ) == 3
    assert script.num_child_jobs == 3

    own("fault", "job~slow: slow 20s")
    slow = client.query(
        "insert into shop.orders (id) values (99)", job_id="slow", location="US", retry=None, job_retry=None
    )
    time.sleep(0.1)
    assert client.get_job("slow", location="US").state == "RUNNING"
    slow.cancel()
    assert "cancelled" in fails(Exception, lambda: slow.result(retry=None))
    assert client.get_job("slow", location="US").error_result["reason"] == "stopped"
    assert own("query", "select count(*) from shop.orders where id = 99").split()[-1] == "0"

    own("fault", "job~late: slow 20s")
    late = client.query(
        "select 1",
        job_id="late",
        location="US",
        retry=None,
        job_retry=None,
        job_config=QueryJobConfig(job_timeout_ms=50),
    )
    assert "timed out" in fails(Exception, lambda: late.result(retry=None))


def statistics(client):
    read = "select id from shop.orders where day = '2024-01-05'"
    dry = once(client, read, dry_run=True)
    assert dry.total_bytes_processed == 16 and dry.schema[0].name == "id", dry._properties
    job = once(client, read)
    assert (job.total_bytes_processed, job.total_bytes_billed, job.cache_hit) == (16, 10 << 20, False)
    all_days = once(client, "select id from shop.orders where day >= (select min(day) from shop.orders)", dry_run=True)
    assert all_days.total_bytes_processed == 25 * 16 + 25 * 8
    message = fails(BadRequest, lambda: once(client, read, maximum_bytes_billed=1000))
    assert "Query exceeded limit for bytes billed: 1000. 10485760 or higher required." in message
    merged = once(
        client,
        """
        merge shop.orders t using (select 3 as id, date '2024-01-04' as day union all select 50, date '2024-02-19') s
        on t.id = s.id when matched then update set note = 'again' when not matched then insert (id, day) values (id, day)""",
    )
    assert (merged.dml_stats.inserted_row_count, merged.dml_stats.updated_row_count) == (1, 1)
    message = fails(
        BadRequest,
        lambda: once(
            client,
            """
        merge shop.orders t using (select 3 as id union all select 3) s on t.id = s.id when matched then update set note = 'x'""",
        ),
    )
    assert "UPDATE/MERGE must match at most one source row for each target row" in message
    message = fails(BadRequest, lambda: once(client, "select\n  idd from shop.orders", dry_run=True))
    assert "Unrecognized name: idd" in message and "at [2:3]" in message, message
    script = once(client, "declare d date default '2024-01-05'; select id from shop.orders where day = d")
    assert script.total_bytes_processed == 16
    both = "declare day date default '2024-01-05'; select id from shop.orders where day = day"
    assert "day is a variable and a column" in fails(Exception, lambda: once(client, both))


def paging(client):
    rows = list(client.query("select x from unnest(generate_array(1, 2500)) x", location="US").result(page_size=1000))
    assert [row.x for row in rows] == list(range(1, 2501))


def values(client):
    [row] = client.query(
        """
        select struct(1 as a, [1, 2] as b) as s, numeric '1.5' as n, timestamp '2024-01-02 03:04:05.678' as t, b'ab' as y,
          json '{"a": 1}' as j, date '2024-01-02' as d, cast(null as string) as z""",
        location="US",
    ).result()
    assert (row.s, str(row.n), row.y, row.z) == ({"a": 1, "b": [1, 2]}, "1.5", b"ab", None), row
    assert row.t.isoformat() == "2024-01-02T03:04:05.678000+00:00"


def loading(client):
    config = LoadJobConfig(
        source_format="NEWLINE_DELIMITED_JSON",
        schema=[SchemaField("id", "INT64"), SchemaField("tags", "STRING", mode="REPEATED")],
        write_disposition="WRITE_TRUNCATE",
    )
    data = b'{"id": 1, "tags": ["a", "b"]}\n{"id": 2, "tags": []}\n'
    for _ in range(2):
        job = client.load_table_from_file(
            io.BytesIO(data), "shop.loaded", job_config=config, size=len(data), location="US"
        )
        job.result()
        assert job.output_rows == 2
    assert own("query", "select id, tags from shop.loaded order by id").splitlines()[1:] == ['1 | ["a", "b"]', "2 | []"]


def faults(client):
    own("fault", "sql~select 7: 503 before, once")
    fails(ServiceUnavailable, lambda: once(client, "select 7", job_id="refused"))
    fails(NotFound, lambda: client.get_job("refused", location="US"))
    own("fault", "sql~insert: 503 after, once")
    fails(ServiceUnavailable, lambda: once(client, "insert into shop.orders (id) values (77)", job_id="accepted"))
    client.get_job("accepted", location="US").result()
    assert own("query", "select count(*) from shop.orders where id = 77").split()[-1] == "1"
    own("fault", "job~gone: vanish")
    client.query("select 1", job_id="gone", location="US", retry=None, job_retry=None)
    fails(NotFound, lambda: client.get_job("gone", location="US"))
    own("fault", "sql~select 8: fail backendError, once")
    assert "Retrying may solve the problem" in fails(Exception, lambda: once(client, "select 8"))
    own("fault", "sql~into shop.twice: fail internalError after 2")
    once(client, "create table shop.twice (id int64)")
    fails(
        Exception,
        lambda: once(
            client,
            "insert into shop.twice values (1); insert into shop.twice values (2); insert into shop.twice values (3)",
        ),
    )
    assert own("query", "select count(*) from shop.twice").split()[-1] == "2"
    own("fault", "sql~transaction: fail internalError after 2")
    fails(Exception, lambda: once(client, "begin transaction; insert into shop.twice values (3); commit transaction"))
    assert own("query", "select count(*) from shop.twice").split()[-1] == "2"
    own("fault", "sql~select 9: fail serialize")
    assert "Could not serialize access" in fails(BadRequest, lambda: once(client, "select 9"))
    assert own("faults") == ""


def scripts(client):
    """Exceptions, transactions, and temporary tables that do not meet."""
    once(client, "create table shop.log (n int64)")
    rolled_back = """
        begin
          begin transaction;
          insert into shop.log values (1);
          select error('no');
          commit transaction;
        exception when error then
          rollback transaction;
          select @@error.message as m;
        end"""
    [row] = once(client, rolled_back).result()
    assert row.m == "Query error: no at [5:11]", row
    message = fails(
        BadRequest, lambda: once(client, "begin insert into shop.log values (2); raise using message = 'stop'; end")
    )
    assert "Query error: stop at [1:40]" in message, message
    once(client, "begin transaction; insert into shop.log values (3)")
    assert own("query", "select n from shop.log").split() == ["n", "2"]
    message = fails(
        BadRequest, lambda: once(client, "begin transaction; create table shop.x (a int64); commit transaction")
    )
    assert "DDL statements are not supported in a transaction" in message
    fails(BadRequest, lambda: once(client, "assert (select count(*) from shop.log) = 7 as 'seven'"))
    own("fault", "job~both: slow 200ms after 1, 2 times")
    both = [
        client.query(
            f"create temp table t as select {n} as n; select n from t", job_id=f"both{n}", location="US", job_retry=None
        )
        for n in (1, 2)
    ]
    assert [[row.n for row in job.result()] for job in both] == [[1], [2]]


def types(client):
    """GoogleSQL's analyzer, where DuckDB would take it."""
    for sql, wanted in [
        (
            "insert into shop.orders (id) select 1.5",
            "has type FLOAT64 which cannot be inserted into column id, which has type INT64 at [1:",
        ),
        (
            "select id from shop.orders where day = 1",
            "No matching signature for operator = for argument types: DATE, INT64",
        ),
        ("declare x string default 'a'; select id from shop.orders where id = x", "for argument types: INT64, STRING"),
        ("create temp table t as select 1 as a; select b from t", "Query error: Unrecognized name: b at [1:46]"),
        ("select count(*) from shop.orders having idd > 1", "Unrecognized name: idd"),
        (
            f"select 1 from `{client.project}.shop.orders` o where zz = 1",
            f"Unrecognized name: zz at [1:{len(client.project) + 38}]",
        ),
        ("select id,\n\tzz from shop.orders", "Unrecognized name: zz at [2:9]"),
    ]:
        message = fails(BadRequest, lambda sql=sql: once(client, sql))
        assert wanted in message, message
        dry = fails(BadRequest, lambda sql=sql: once(client, sql, dry_run=True))
        assert wanted in dry or "CREATE TEMP TABLE" in dry, dry
    parameters = [
        bigquery.ScalarQueryParameter("n", "INT64", 3),
        bigquery.ArrayQueryParameter("days", "DATE", ["2024-01-04"]),
    ]
    rows = once(
        client, "select id from shop.orders where id = @n and day in unnest(@days)", query_parameters=parameters
    ).result()
    assert [row.id for row in rows] == [3]
    message = fails(BadRequest, lambda: once(client, f"select 1 -- {'x' * (1 << 20)}"))
    assert "The query is too large" in message


def partitions(client):
    """Ingestion time, ranges, materialized views, policy tags, and what else is kept of a table."""
    once(client, "create table shop.taken (id int64) partition by timestamp_trunc(_PARTITIONTIME, day)")
    once(client, "insert into shop.taken values (1)")
    once(client, "insert into shop.taken (_PARTITIONTIME, id) values (timestamp '2024-01-01', 2)")
    job = once(client, "select * from shop.taken where _PARTITIONDATE = '2024-01-01'")
    assert [tuple(row) for row in job.result()] == [(2,)] and job.total_bytes_processed == 8
    once(client, "create table shop.ranged (id int64) partition by range_bucket(id, generate_array(0, 100, 10))")
    once(client, "insert into shop.ranged select x from unnest(generate_array(0, 99)) x")
    assert client.get_table("shop.ranged").range_partitioning.range_.interval == 10
    assert once(client, "select id from shop.ranged where id between 20 and 29").total_bytes_processed == 80
    once(
        client,
        "create materialized view shop.counted options (description = 'how many') as select count(*) as n from shop.ranged",
    )
    assert client.get_table("shop.counted").table_type == "MATERIALIZED_VIEW"
    assert "currently a MATERIALIZED_VIEW" in fails(BadRequest, lambda: once(client, "drop view shop.counted"))
    table = client.get_table("shop.ranged")
    table.schema = [
        SchemaField(
            "id", "INT64", policy_tags=bigquery.PolicyTagList(["projects/p/locations/us/taxonomies/1/policyTags/2"])
        )
    ]
    client.update_table(table, ["schema"])
    once(client, "insert into shop.ranged values (7)")
    assert client.get_table("shop.ranged").schema[0].policy_tags.names
    once(client, "create table shop.same copy shop.ranged")
    assert client.get_table("shop.same").range_partitioning.field == "id"
    once(
        client,
        "create or replace table shop.ranged (id int64) partition by range_bucket(id, generate_array(0, 100, 10))",
    )
    assert not client.get_table("shop.ranged").schema[0].policy_tags
    once(client, "alter table shop.same rename to other")
    assert client.get_table("shop.other").num_rows == 101
    fails(NotFound, lambda: client.get_table("shop.same"))


def dry_runs(client):
    """Of scripts: up to the first DDL."""
    script = "select id from shop.orders; create table shop.never as select 1 as n; select id from shop.orders"
    dry = once(client, script, dry_run=True)
    assert dry.statement_type == "SCRIPT" and dry.total_bytes_processed == 8 * int(
        own("query", "select count(id) from shop.orders").split()[-1]
    )
    fails(NotFound, lambda: client.get_table("shop.never"))
    dry = once(client, "create table shop.never as select 1 as n", dry_run=True)
    assert [field.name for field in dry.schema] == ["n"]
    fails(NotFound, lambda: client.get_table("shop.never"))
    assert "not supported for CREATE TEMP TABLE" in fails(
        BadRequest, lambda: once(client, "create temp table t as select 1 as n; select 1", dry_run=True)
    )
    once(client, "delete from shop.orders where id > 1000", dry_run=True)
    fails(NotFound, lambda: client.get_job("dry", location="US"))


def tokens(client):
    """Who asks: a token of the metadata server, and one that was got with it for another account."""
    import json
    from urllib.request import Request, urlopen

    def ask(path, data=None, **headers):
        request = Request(os.environ["BIGQUERY_ENDPOINT"] + path, data, headers)
        return json.load(urlopen(request))

    token = ask("/computeMetadata/v1/instance/service-accounts/default/token", **{"Metadata-Flavor": "Google"})[
        "access_token"
    ]
    scope = json.dumps({"scope": ["https://www.googleapis.com/auth/bigquery"]}).encode()
    other = ask(
        "/v1/projects/-/serviceAccounts/robot@example.com:generateAccessToken", scope, Authorization=f"Bearer {token}"
    )
    own("auth", "on")
    fails(Exception, lambda: client.get_dataset("shop"))
    for name in (token, other["accessToken"]):
        ask(
            f"/bigquery/v2/projects/{client.project}/datasets/shop",
            Authorization=f"Bearer {name}",
            **{"x-goog-user-project": "payer"},
        )
    own("auth", "off")
    assert own("askers").splitlines()[-2:] == ["metadata | payer", "robot-by-metadata | payer"]


def locations(client):
    once(client, "create schema europe options (location = 'EU')", location="EU")
    message = fails(NotFound, lambda: once(client, "create table europe.t (id int64)"))
    assert f"Not found: Dataset {client.project}:europe was not found in location US" in message
    once(client, "create table europe.t (id int64)", location="EU", job_id="there")
    once(client, "create schema tokyo options (location = 'asia-northeast1')", location="asia-northeast1", job_id="far")
    fails(NotFound, lambda: client._call_api(None, method="GET", path=f"/projects/{client.project}/jobs/far"))


def quotas(client):
    own("quotas", "on")
    for number in range(5):
        once(client, f"create or replace table shop.often as select {number} as n")
    assert "too many table update operations for this table" in fails(
        GoogleAPICallError, lambda: once(client, "create or replace table shop.often as select 6 as n")
    )
    for _ in range(6):
        once(client, "insert into shop.often values (1)")
    own("quotas", "off")


def main():
    endpoint = os.environ["BIGQUERY_ENDPOINT"]
    client = bigquery.Client(
        project=os.environ["BIGQUERY_PROJECT"],
        credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=endpoint),
    )
    for part in (
        datasets_and_tables,
        ddl,
        jobs,
        statistics,
        paging,
        values,
        loading,
        faults,
        scripts,
        types,
        partitions,
        dry_runs,
        tokens,
        locations,
        quotas,
    ):
        part(client)
        print(part.__name__)


if __name__ == "__main__":
    main()
