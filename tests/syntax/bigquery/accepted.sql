select id, name from `project.dataset.table` where active
----
select id, name, from `my-project.dataset.table`
----
select * from my-project.dataset.table
----
select * from `p`.`d`.`t` as x, x.items as i
----
select * except (a, b), t.* replace (a + 1 as a) from t
----
select as struct 1 as a, 'x' as b
----
select as value struct(1 as a, 2 as b)
----
select array(select as struct id, name from u), array(select distinct x from unnest([1, 2, 3]) x order by x limit 2)
----
select array<int64>[1, 2], array<struct<a int64, b string>>[(1, 'x')], struct<int64, string>(1, 'x'), struct<a int64>(1), [struct(1 as x)]
----
select arr[offset(0)], arr[ordinal(1)], arr[safe_offset(2)], arr[safe_ordinal(3)], arr[0], j['a'], j.a.b[0] from t
----
select * from unnest([1, 2, 3]) as n with offset
----
select * from unnest([1, 2, 3]) as n with offset as pos where pos > 0
----
select t.id, item from t cross join unnest(t.items) as item with offset i
----
select t.id, item.name from t left join unnest(items) as item on true
----
select date '2024-01-01', timestamp '2024-01-01 00:00:00+00', datetime '2024-01-01T00:00:00', time '12:00:00', numeric '1.5', bignumeric '2', json '{"a": 1}', bytes 'x'
----
select interval 1 day, interval -2 month, interval '1-2' year to month, interval '1 2:3:4' day to second, date_add(d, interval n day) from t
----
select date_add(current_date(), interval 1 week), date_sub(d, interval 2 month), date_diff(a, b, day), date_trunc(d, week(monday)), timestamp_trunc(ts, hour), timestamp_diff(a, b, second), datetime_add(x, interval 3 hour) from t
----
select extract(week(monday) from d), extract(isoweek from d), extract(date from ts at time zone 'Europe/Berlin'), extract(dayofweek from d), extract(year from d) from t
----
select safe.substr('abc', -1), safe.parse_date('%Y', x), safe_cast(a as int64), safe_divide(a, b), net.host(url), keys.new_keyset('AEAD_AES_GCM_256'), hll_count.init(x) from t
----
select cast(a as string format 'YYYY-MM-DD'), cast('1' as numeric), cast(x as bytes), cast(s as date format 'MM/DD/YYYY'), cast(x as array<int64>) from t
----
select countif(a > 1), logical_and(b), approx_count_distinct(c), approx_quantiles(d, 100)[offset(50)], any_value(e having max f), array_agg(g ignore nulls order by h desc limit 5), string_agg(distinct i, ',' order by i) from t
----
select max(a) over w, sum(b) over (w rows between 1 preceding and current row) from t window w as (partition by c order by d)
----
select first_value(a ignore nulls) over (order by b), last_value(a respect nulls) over (partition by c order by b rows between unbounded preceding and unbounded following), percentile_cont(a, 0.5) over (partition by c) from t
----
select * from t qualify row_number() over (partition by id order by ts desc) = 1
----
select * from t where true qualify rank() over (order by a) <= 3 order by a limit 10
----
select a, sum(b) from t group by rollup(a)
----
select a, c, sum(b), grouping(a) from t group by grouping sets ((a, c), (a), ())
----
select a, sum(b) from t group by cube(a, c)
----
select a, count(*) from t group by all
----
select * from produce pivot (sum(sales) for quarter in ('Q1', 'Q2', 'Q3' as third))
----
select * from (select product, sales, quarter from produce) pivot (sum(sales) as total, count(*) as n for quarter in ('Q1' as q1, 'Q2' as q2)) as p
----
select * from produce unpivot (sales for quarter in (q1, q2, q3, q4))
----
select * from produce unpivot include nulls ((first_half, second_half) for semesters in ((q1, q2) as 's1', (q3, q4) as 's2'))
----
select * from t for system_time as of timestamp_sub(current_timestamp(), interval 1 hour)
----
select * from t tablesample system (10 percent)
----
select * from ml.predict(model `p.d.m`, (select * from t))
----
select * from ml.predict(model d.m, table d.t, struct(0.5 as threshold))
----
select * from ml.evaluate(model `p.d.m`)
----
select * from ml.forecast(model d.m, struct(30 as horizon, 0.8 as confidence_level))
----
select * from d.my_tvf(1, table t)
----
select * from external_query('p.us.conn', '''select * from x''')
----
select * from vector_search(table d.base, 'embedding', (select embedding from d.q), top_k => 5, distance_type => 'COSINE')
----
select @start_date, @@time_zone, @@script.bytes_processed, ? from t where d >= @start_date and id in unnest(@ids)
----
select r'\d+', b'abc', rb'x\y', '''multi
line''', """also
this""", "double", 'it\'s', r"\."
----
select if(a, b, c), ifnull(a, 0), nullif(a, ''), coalesce(a, b), case a when 1 then 2 else 3 end, iff from t
----
select a from t1 union all select b from t2 union distinct select c from t3
----
select a from t1 except distinct select b from t2
----
select a from t1 intersect distinct (select b from t2 order by 1 limit 3)
----
select a from t1 union all by name select a from t2
----
with a as (select 1 as x), b as (select * from a) select * from b
----
with recursive r as (select 1 as n union all select n + 1 from r where n < 10) select n from r
----
from t |> where a > 1 |> select a, b |> limit 10
----
from orders |> aggregate sum(amount) as total, count(*) as n group by customer_id |> order by total desc |> limit 3
----
from t |> extend a + 1 as b |> set a = 2 |> drop c |> rename d as e |> as x |> join u on u.id = x.id
----
select * from t |> where x is not null |> aggregate count(*) as n
----
from t |> aggregate count(*) as n group and order by status, f(a, b) as c desc |> limit 3
----
select s, a and b from (from t |> aggregate sum(x) group and order by y)
----
from t |> distinct |> pivot (sum(x) for q in ('a', 'b')) |> tablesample system (1 percent)
----
from t |> where a = 1 |> union all (select * from u) |> call tvf(1) |> window sum(x) over () as s
----
select format_date('%Y', d), parse_timestamp('%s', x), format('%d', 1), generate_date_array('2024-01-01', '2024-02-01', interval 1 day), generate_array(1, 10, 2) from t
----
select json_value(j, '$.a'), json_query_array(j, '$.b'), j.a.b, to_json_string(t), parse_json('{}'), int64(j.a), lax_string(j.b) from t
----
select st_geogpoint(1, 2), st_distance(a, b), farm_fingerprint('x'), to_hex(md5('x')), generate_uuid(), session_user() from t
----
select * from t where a like any ('x%', 'y%') and b not in unnest([1, 2]) and c is distinct from d and e between 1 and 2 and f in (1, 2) and starts_with(g, 'x')
----
select a, from t where exists (select 1 from u where u.id = t.id) order by a desc nulls last limit 10 offset 20
----
select * from t, unnest(items) item where item.price > 0
----
select * from a join b using (id, day) left join c on c.id = a.id full join d on true cross join e inner join f on f.x = a.x
----
select * from `p.d.events_*` where _table_suffix between '20240101' and '20240131'
----
select count(distinct if(a, b, null)), sum(if(x > 1, 1, 0)) as s, min_by(a, b), max_by(a, b), array_length(c), array_concat(d, [1]), array_to_string(e, ',') from t
----
select t.struct_col.field, (select max(x) from unnest(t.arr) x) as mx, exists(select 1 from unnest(arr) a where a = 1), array_reverse(arr) from t
----
select * from t match_recognize (partition by id order by ts measures first(a.x) as fx pattern (a b+ c?) define b as b.x > 1)
----
create table d.t (id int64 not null options(description='x'), s struct<a int64, b array<string>>, n numeric(10, 2), ts timestamp default current_timestamp()) partition by date(ts) cluster by id options(expiration_timestamp=timestamp '2025-01-01', labels=[('a', 'b')])
----
create or replace table `p.d.t` partition by date_trunc(day, month) cluster by a, b options(require_partition_filter=true) as select * from s
----
create or replace table d.t as (with x as (select 1 as a) select * from x)
----
create table if not exists d.t like d.s
----
create table d.t copy d.s
----
create table d.t clone d.s for system_time as of timestamp_sub(current_timestamp(), interval 1 hour)
----
create snapshot table d.snap clone d.t options(expiration_timestamp=timestamp '2030-01-01')
----
create temp table x as select 1 as a; select * from x
----
create temporary function f(x int64) returns int64 as (x * 2); select f(2)
----
create or replace function d.f(x any type) as (x + 1)
----
create temp function js(x string) returns string language js as r"""return x.toUpperCase();"""
----
create function d.remote(x int64) returns int64 remote with connection `p.us.c` options(endpoint='https://x')
----
create or replace table function d.tf(n int64) as select * from t where a = n
----
create aggregate function d.agg(x int64) as (sum(x) + 1)
----
create or replace procedure d.p(in a int64, out b string) begin set b = cast(a as string); end
----
create procedure d.p2() options(strict_mode=false) begin declare x int64 default 1; if x > 0 then select 1; end if; end;
----
create view d.v (a, b) options(description='x') as select 1, 2
----
create or replace view `p.d.v` as select * from t
----
create materialized view d.mv partition by dt cluster by id options(enable_refresh=true, refresh_interval_minutes=60) as select dt, id, sum(x) as x from t group by dt, id
----
create external table d.e options(format='CSV', uris=['gs://b/*.csv'])
----
create external table d.e (id int64) with partition columns (dt date) with connection `p.us.c` options(format='PARQUET', uris=['gs://b/*'], hive_partition_uri_prefix='gs://b')
----
create model d.m options(model_type='linear_reg', input_label_cols=['y']) as select x, y from t
----
create or replace model d.m transform(ml.standard_scaler(x) over () as x, y) options(model_type='logistic_reg') as select * from t
----
create search index i on d.t(all columns)
----
create vector index i on d.t(embedding) options(index_type='IVF', distance_type='COSINE')
----
create schema if not exists d options(location='EU')
----
create row access policy p on d.t grant to ('user:a@b.c') filter using (region = 'x')
----
alter table d.t add column a int64, add column if not exists b string
----
alter table d.t set options(description='x')
----
alter table d.t drop column a, rename column b to c
----
alter table d.t alter column a set data type numeric
----
alter schema d set options(default_table_expiration_days=3)
----
drop table if exists d.t
----
drop snapshot table d.s; drop model d.m; drop external table d.e; drop search index i on d.t; drop all row access policies on d.t
----
truncate table d.t
----
insert into d.t (a, b) values (1, 'x'), (2, default)
----
insert d.t (a) select a from s
----
insert into d.t select * from unnest([struct(1 as a)])
----
update d.t t set t.a = s.a, b = 2 from s where t.id = s.id
----
delete from d.t where true
----
delete d.t where a = 1
----
merge d.t t using d.s s on t.id = s.id when matched and s.deleted then delete when matched then update set a = s.a when not matched then insert (id, a) values (id, a) when not matched by source then delete
----
merge into d.t using (select * from s) on false when not matched by target then insert row when not matched by source and dt > '2024-01-01' then update set a = null
----
declare x int64 default 0; declare a, b string; set x = 5; set (a, b) = ('x', 'y'); select x
----
declare start_date date default (select max(d) from t); begin transaction; delete from t where d >= start_date; commit transaction;
----
begin select 1; exception when error then select @@error.message; raise using message = 'x'; end
----
if exists (select 1 from t) then select 1; elseif x = 2 then select 2; else select 3; end if;
----
loop set x = x + 1; if x > 10 then leave; end if; end loop;
----
while x < 3 do set x = x + 1; continue; end while;
----
for r in (select a from t) do select r.a; end for;
----
repeat set x = x + 1; until x > 3 end repeat;
----
case when x = 1 then select 1; else select 2; end case;
----
execute immediate 'select ?' using 1; execute immediate format('select %d', 1) into x;
----
call d.p(1, y); return;
----
assert (select count(*) from t) > 0 as 'empty'
----
export data options(uri='gs://b/*.csv', format='CSV', overwrite=true) as select * from t
----
export data with connection `p.us.c` options(uri='gs://b/*', format='PARQUET') as (select 1 as a)
----
load data into d.t from files (format='CSV', uris=['gs://b/x.csv'])
----
load data overwrite d.t partitions(_partitiontime = timestamp '2024-01-01') from files (format='PARQUET', uris=['gs://b/x'])
----
grant `roles/bigquery.dataViewer` on table d.t to 'user:a@b.c'; revoke `roles/x` on schema d from 'group:x@y.z'
----
undrop schema d
----
# a hash comment
select 1 # another
-- and this
----
select date(ts) as day, count(*) as n, sum(cost) / nullif(sum(clicks), 0) as cpc from `p.d.ads` as a left join (select id, any_value(name) as name from `p.d.campaigns` group by id) c on a.campaign_id = c.id where date(ts) >= date_sub(current_date('Europe/Berlin'), interval 28 day) group by day having n > 10 order by day desc
----
select a.b.c.d, `order`, t.`select` from t as a where a.`group` = 1
----
select count(*) as `count`, x as date, y as timestamp, z as value, w as offset from t
----
select array_agg(struct(a, b) order by c limit 1)[safe_offset(0)].a as first_a from t group by id
----
select string(d), date(2024, 1, 2), datetime(ts, 'UTC'), timestamp('2024-01-01'), time(1, 2, 3), current_datetime('UTC'), unix_seconds(ts) from t
----
select * from t where regexp_contains(a, r'^\s*$') and not (b is null or c is not false) and -d < +5 and e || 'x' = f and g != h and i <> j and k << 2 > ~l & m | n ^ o
----
select range(date '2024-01-01', null), range<date> '[2024-01-01, unbounded)', range_start(r) from t
----
select x -> x + 1, array_filter(arr, e -> e > 1), array_transform(arr, e -> e * 2) from t
----
select with(a as 1, b as a + 1, a + b)
----
select * from gap_fill(table d.t, ts_column => 'ts', bucket_width => interval 1 day)
----
select * from appends(table d.t, null, null)
----
select * from my-proj.181871398.tab t join x-1.2.3_4 u on t.a = u.a, proj.18187.tab, proj.ds.2024_tab, proj.ds.2024, my-proj.ds.1e5, `a`.18.tab, ds.2024tab, ds.1e3a join my-1st-proj-2b.2ds.t on true
----
select 1.5, t.a1, t.1x, 3.e2, .5, x-1.5, a.b-2, case when a then.5 else.2 end from d.1e3a where a in(.5) and b between.1 and.2 and extract(day from d)-1 = 2
----
insert into proj.18187.tab select 1; update ds.2t set a = 1 where true; delete from p-q.1.t where true; merge into x-y.12.t using z.3.t on true when not matched then insert row
----
create table a.1b.t as select 1 as x
----
select * from a left join b left join c using(k) using(j)
----
select * from a join b join c on b.k = c.k on a.j = b.j join d on true join unnest(a.xs) join e left join (select 1 as k) f left join g using(i) using(k) on e.l = f.l where true
----
select * from a join b cross join c on a.x = b.x, d join e join f on e.x is distinct from f.x on d.x = e.x
