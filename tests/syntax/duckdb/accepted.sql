select id, name from users where active
----
select id, name, from users
----
from t
----
from t select a, b
----
from t select a where b > 1 group by all order by all limit 3
----
from 'data.parquet' select count(*)
----
select * from 'data/*.csv'
----
select * from read_csv('x.csv', header = true, columns = {'a': 'integer', 'b': 'varchar'})
----
select * from read_parquet(['a.parquet', 'b.parquet'], union_by_name = true)
----
select * exclude (a, b) replace (c + 1 as c) from t
----
select * exclude a from t
----
select * rename (a as b, c as d) from t
----
select t.* exclude (a), u.* from t, u
----
select columns('^x_.*') from t
----
select min(columns(*)), max(columns(* exclude (a))) from t
----
select columns(c -> c like 'a%') from t
----
select unpack from t
----
select *columns(['a', 'b']) from t
----
select [1, 2, 3], [[1], [2]], {'a': 1, 'b': {'c': 2}}, {a: 1}, map {'k': 1, 'j': 2}, map([1], ['a']), (1, 'x'), row(1, 2)
----
select l[1], l[1:2], l[-1], l[:2], l[2:], l[1:5:2], s.a, s['a'], m['k'], s.a.b[1] from t
----
select list_transform([1, 2], x -> x + 1), list_filter(l, lambda x: x > 1), list_reduce(l, (a, b) -> a + b), [x * 2 for x in l if x > 1] from t
----
select unnest([1, 2, 3]) as x, unnest(s, recursive := true) from t
----
select struct_pack(a := 1, b := 2), struct_extract(s, 'a') from t
----
select [1, 2].list_sum(), a.upper() from t
----
select a::int, try_cast(b as date), cast(c as struct(a int, b varchar[])), d::map(varchar, int), e::int[3], f::union(n int, s varchar), g::decimal(10, 2), h::enum('a', 'b') from t
----
select 7 // 2, 7 / 2, 2 ** 3, 2 ^ 3, 5 % 3, 5!, @(-1), ~1, 1 & 2, 1 | 2, 1 << 2, 'a' || 'b', a ^@ 'x' from t
----
select date '2024-01-01' + interval 1 day, interval '2 hours', interval (n) month, ts + to_days(3), date_trunc('week', ts), datepart('year', d), extract(epoch from ts), date_diff('day', a, b), timestamptz '2024-01-01 00:00:00+00' from t
----
select strftime(ts, '%Y-%m'), strptime('2024', '%Y'), epoch_ms(1), ts at time zone 'UTC', current_date, current_timestamp, now(), today(), get_current_timestamp() from t
----
select * from t asof join u on t.id = u.id and t.ts >= u.ts
----
select * from t asof left join u using (id, ts)
----
select * from t positional join u
----
select * from t semi join u using (id)
----
select * from t anti join u on t.id = u.id
----
select * from t cross join u natural join v
----
select * from t left join u on t.id = u.id full outer join v using (id) right join w on true inner join x on x.a = w.a
----
select * from t, lateral (select t.a + 1 as b), range(3) r(i), unnest(t.l) as q(x)
----
select * from t join lateral (select 1 as b) l on true
----
pivot cities on year using sum(population)
----
pivot cities on year in (2000, 2010) using first(population) as p, max(x) group by country order by country limit 3
----
select * from (pivot cities on country || '_' || name using sum(population) group by year) p
----
with p as (pivot cities on year using sum(population)) select * from p
----
unpivot monthly on jan, feb, mar into name month value sales
----
unpivot monthly on columns(* exclude (id)) into name month value sales
----
select * from cities pivot (sum(population) for year in (2000, 2010))
----
select * from monthly unpivot include nulls (sales for month in (jan, feb))
----
summarize t
----
summarize select * from t
----
describe t
----
describe select * from t
----
show tables; show all tables; show databases; show
----
select * from (describe t)
----
select * from t using sample 10%
----
select * from t using sample 100 rows
----
select * from t using sample reservoir(50 rows) repeatable (42)
----
select * from t tablesample bernoulli (10%)
----
select a, sum(b) from t group by all
----
select a, b, sum(c) from t group by grouping sets ((a), (b), ())
----
select a, sum(c), grouping(a) from t group by rollup (a, b)
----
select a, sum(c) from t group by cube (a, b) order by all desc nulls first
----
select a from t union by name select b from u
----
select a from t union all by name select b from u
----
select a from t except all select b from u intersect select c from v
----
insert into t by name select 1 as a
----
insert into t by position select 1
----
insert or replace into t values (1, 2)
----
insert or ignore into t (a) values (1)
----
insert into t values (1) on conflict (a) do update set b = excluded.b returning *
----
insert into t default values
----
update t set a = u.a from u where t.id = u.id returning a
----
delete from t using u where t.id = u.id
----
merge into t using s on t.id = s.id when matched then update set a = s.a when not matched then insert (id, a) values (s.id, s.a)
----
merge into t using s using (id) when matched and s.x then delete when matched then update when not matched by source then delete when not matched then insert by name returning merge_action, *
----
truncate t
----
with x as materialized (select 1), y as not materialized (select 2) select * from x, y
----
with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r
----
with recursive r(a, b) using key (a) as (select 1, 2 union select a, b from r) from r
----
select row_number() over w, sum(a) over (w rows between 1 preceding and current row), lag(b ignore nulls) over (order by c), first_value(d) over (partition by e order by f range between interval 1 day preceding and current row exclude ties) from t window w as (partition by g order by h)
----
select count(*) filter (where a > 1), list(x order by y desc), string_agg(s, ',' order by s), quantile_cont(p, 0.5), arg_max(a, b), mode(c), histogram(d), first(e), any_value(f), approx_count_distinct(g) from t
----
select percentile_cont(0.5) within group (order by x desc) from t
----
select * from t qualify row_number() over (partition by id order by ts) = 1
----
select distinct on (a) a, b from t order by a, b desc
----
select a as x, x + 1 as y from t where y > 1
----
select x: a, y: b + 1 from t
----
select * from t limit 10% offset 5
----
select * from t order by a desc nulls last, b asc nulls first limit 5
----
select a ilike 'x', b glob 'a*', c similar to 'x.*', d ~ 'r', e not like 'y' escape '!', f is not distinct from g, h between 1 and 2, i in [1, 2], j in (1, 2), k is null, l notnull, m isnull from t
----
select case when a then b else c end, if(a, b, c), coalesce(a, b), nullif(a, b), ifnull(a, b) from t
----
select $1, $name, ? from t
----
select * from query_table('t'), query('select 1'), generate_series(1, 10) g(i)
----
select * from values (1, 'a'), (2, 'b') v(x, y)
----
values (1, 2), (3, 4)
----
table t
----
select "a b", t."c", main.t.d, db.main.t.e from db.main.t
----
select 'it''s', e'a\nb', $$dollar$$, x'ab', '\xAA'::blob, 1_000, .5, 1e3, 0xff
----
select #1, #2 from t
----
create table t (a integer primary key, b varchar default 'x' not null, c int[], d struct(x int, y varchar), e map(varchar, int), f decimal(10, 2) check (f > 0), g int generated always as (a + 1) virtual, h timestamp with time zone, unique (b), foreign key (a) references u (id))
----
create or replace table t as select * from u
----
create table if not exists t as from u
----
create temp table t as select 1 as a
----
create table t (a int, b int) as select 1, 2
----
create or replace view v (a) as select 1
----
create temp view v as select * from t
----
create macro add(a, b) as a + b
----
create or replace macro f(x, y := 2) as table select x, y
----
create or replace temp macro g(a) as (select max(b) from t where c = a), (a, b) as a + b
----
create function h(a) as a * 2
----
create type mood as enum ('a', 'b'); create type s as struct(a int); create type u as union(n int, s varchar)
----
create sequence s start 1 increment by 2; select nextval('s')
----
create index i on t (a, lower(b)); create unique index j on t (a)
----
create schema if not exists s; use s; drop schema s cascade
----
create secret x (type s3, key_id 'a', secret 'b'); drop secret x
----
create persistent secret if not exists y (type gcs, provider credential_chain)
----
alter table t add column a int default 1; alter table t drop column b; alter table t rename c to d; alter table t alter e type text using e::text; alter table t alter f set default 3; alter table t alter g drop not null
----
alter table t add primary key (a); alter view v rename to w
----
drop table if exists t cascade; drop view v; drop macro add; drop macro table f; drop type mood; drop sequence s; drop index i
----
attach 'x.duckdb' as x (read_only); detach x
----
attach if not exists 'postgres:dbname=x' as pg (type postgres); detach database if exists pg
----
attach or replace database 'y.db'
----
copy t to 'x.parquet' (format parquet, compression zstd, partition_by (a, b))
----
copy (select * from t) to 'x.csv' with (header, delimiter '|')
----
copy t from 'x.csv' (auto_detect true)
----
copy from database a to b
----
export database 'dir' (format parquet); import database 'dir'
----
install httpfs; load httpfs; install spatial from community; force install json; update extensions
----
set memory_limit = '1GB'; set global threads to 4; reset threads; set variable x = 3; pragma database_list; pragma table_info('t')
----
call pragma_version(); checkpoint; force checkpoint; vacuum; analyze t
----
explain select 1; explain analyze select 1
----
prepare p as select $1; execute p(1); deallocate p
----
begin transaction; commit; rollback; begin; abort
----
comment on table t is 'x'; comment on column t.a is 'y'
----
select getvariable('x'), current_setting('threads'), typeof(a), version()
----
select a.b.c.d, s.*, unnest(s), struct_insert(s, z := 1), s.a::int from t as a
----
select json '{"a": 1}' -> 'a', j ->> '$.a', j -> 0 ->> 'b', j.a.b from t
----
select (select max(x) from u), exists (select 1), array(select 1), a in (select b from v), c = any (select 1), d > all ([1, 2]) from t
----
select sum(x) over (), max(y) filter (where z) over (partition by a) from t
----
/* block */ select 1; -- line
select 2
----
select date_trunc('month', o.created_at)::date as month, count(distinct o.user_id) as users, round(sum(oi.price * oi.qty), 2) as revenue from orders o join order_items oi on oi.order_id = o.id where o.created_at >= now() - interval 1 year and o.status in ('paid', 'shipped') group by all having sum(oi.price) > 0 order by all
----
select at, value, type, name, date, year, month, day, hour, key from t
----
select * like 'x%' from t
----
select try(cast('a' as int)), grouping_id(a), t from t group by all
----
select * from t at (version => 3)
----
from range(10) t(i) select i, i % 2 as odd
----
(from t) union all (from u)
----
select * from a left join b left join c using(k) using(j)
----
select 1 in [1, 2], y not in l and z, k in map {'k': 1} from t where y in t.l
----
select count(*) filter (y > 5 and y < 3), sum(y) filter (where y > 0) from t
----
select id, amt: amount * 2, "Net": a - b, x: case when a is distinct from b then {'k': 1} end, y: l[1:2] from t where a > 1
----
with x as (select distinct id, net: amount - tax from o) from x select sum(net), n: count(*) filter (net > 0) group by all
