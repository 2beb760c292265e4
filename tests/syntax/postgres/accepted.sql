select id, name from users where active
----
select null
----
select from t
----
select distinct on (user_id) user_id, ts from events order by user_id, ts desc
----
select count(*) filter (where a > 1) as n, sum(b) filter (where c) over (partition by d) from t
----
select percentile_cont(0.5) within group (order by x), mode() within group (order by y desc), percentile_disc(array[0.1, 0.9]) within group (order by z) from t
----
select string_agg(name, ', ' order by name desc nulls last), array_agg(distinct x), jsonb_object_agg(k, v), json_agg(row_to_json(t)) from t
----
select * from t, lateral (select * from u where u.id = t.id limit 1) l
----
select * from t left join lateral (select max(x) as mx from u where u.id = t.id) l on true
----
select * from t cross join lateral jsonb_array_elements(t.data -> 'items') as item(value)
----
select * from generate_series(1, 10) as g(n)
----
select * from generate_series('2024-01-01'::timestamp, '2024-02-01', interval '1 day') with ordinality as d(day, i)
----
select * from unnest(array[1, 2], array['a', 'b']) as u(a, b)
----
select * from rows from (generate_series(1, 2), generate_series(1, 3)) as x(a, b)
----
select * from json_to_recordset('[{"a":1}]') as x(a int, b text)
----
select array[1, 2, 3], array[[1, 2], [3, 4]], '{1,2}'::int[], arr[1], arr[1:2], arr[:2], arr[2:], m[1][2], array(select id from t), array_length(arr, 1) from t
----
select data -> 'a' ->> 'b', data #> '{a,b}', data #>> '{a,b}', data @> '{"a": 1}', data ? 'k', data ?| array['a'], data ?& array['b'], data - 'a', data #- '{a}', data @? '$.a', data @@ '$.a > 1', data || '{}' from t
----
select a ~ 'x', a ~* 'x', a !~ 'x', a !~* 'x', a like 'x%', a ilike '%y', a not similar to 'z', a like 'x!%' escape '!', a ^@ 'p' from t
----
select ts at time zone 'UTC' at time zone 'Europe/Berlin', timezone('UTC', ts), ts at local from t
----
select a::int, b::numeric(10, 2), c::text[], cast(d as timestamp with time zone), e::timestamp(3), f::varchar(5), g::double precision, h::bit varying(3), '1 day'::interval from t
----
select interval '1 day', interval '1 day 2 hours', interval '1-2' year to month, interval '3' hour, interval(3) '1.5 seconds'
----
select date '2024-01-01', timestamp '2024-01-01 00:00', timestamptz '2024-01-01 00:00+00', time '12:00', int4range(1, 5), '[1,2)'::int4range, daterange('2024-01-01', null, '[]')
----
select extract(epoch from ts), extract(dow from d), date_part('year', d), date_trunc('week', ts), date_trunc('day', ts, 'UTC'), age(a, b), make_date(2024, 1, 2), to_char(ts, 'YYYY'), date_bin('15 minutes', ts, '2001-01-01') from t
----
select row_number() over w, lag(a) over w, sum(b) over (w rows between unbounded preceding and current row exclude ties), nth_value(c, 2) over (order by d groups between 1 preceding and 1 following) from t window w as (partition by e order by f desc nulls last)
----
select sum(a) over (order by b range between interval '1 day' preceding and current row) from t
----
select a, b, sum(c), grouping(a, b) from t group by grouping sets ((a, b), (a), ())
----
select a, sum(c) from t group by rollup (a, b), cube (c, d)
----
select a from t group by distinct rollup(a, b)
----
with x as materialized (select 1 as a), y as not materialized (select * from x) select * from y
----
with recursive t(n) as (values (1) union all select n + 1 from t where n < 100) select sum(n) from t
----
with recursive s as (select id, parent from g union all select g.id, g.parent from g join s on g.parent = s.id) search depth first by id set ordercol select * from s order by ordercol
----
with recursive s as (select id from g union all select g.id from g, s) cycle id set is_cycle using path select * from s
----
with ins as (insert into t (a) values (1) returning id) select * from ins
----
with del as (delete from t where old returning *) insert into archive select * from del
----
select a from t union all select b from u except select c from v intersect select d from w
----
(select a from t order by a limit 1) union all (select b from u) order by 1 limit 5 offset 2
----
select * from t order by a using <, b nulls first fetch first 10 rows only
----
select * from t offset 5 rows fetch next 3 rows with ties
----
select * from t where id = $1 for update of t skip locked
----
select * from t for no key update nowait
----
select * from t for share
----
select * from t tablesample bernoulli (10) repeatable (42)
----
select * from only t, u
----
values (1, 'a'), (2, 'b') order by 1
----
table t
----
select (a, b) = (1, 2), row(1, 2), row(t.*), (t).a, (f(x)).b, ((a).b).c from t
----
select t.*, u.a as "Mixed Case", 1 as value, 2 type, 3 "name" from t, u
----
select * from t where a in (1, 2) and b not in (select 1) and c = any (array[1, 2]) and d > all (select 2) and e = some (array[3]) and f is not distinct from g and h is null and i isnull and j notnull and k is true and l is not unknown
----
select * from t where a between symmetric 1 and 2 and b not between 3 and 4 and exists (select 1) and not c and (d or e) and f <> g and h != i
----
select 1 + 2 * 3 - 4 / 5 % 6 ^ 7, |/ 2, ||/ 3, @ -4, 5 & 6 | 7 # 8, ~9, 1 << 2, 8 >> 1, 'a' || 'b', - - 3
----
select e'a\nb', U&'\0041', $$dollar 'quoted'$$, $tag$x$tag$, b'101', x'1f', 'a'
'b', 1e10, .5, 1_000, 0xff
----
select coalesce(a, b), nullif(a, b), greatest(1, 2), least(3, 4), case when a then b else c end, case a when 1 then 2 end from t
----
select substring(a from 2 for 3), substring(a from '^x'), substring(a, 1, 2), trim(both 'x' from a), trim(leading from a), position('a' in b), overlay(a placing 'x' from 2 for 1), upper(a) collate "C" from t
----
select current_date, current_timestamp, current_time, localtime, localtimestamp, current_user, session_user, user, current_schema, current_catalog, now(), current_timestamp(3)
----
select make_interval(days => 10), f(a := 1, b := 2), format('%s', variadic array['x'])
----
select a is json, b is json object, json_build_object('a', 1), jsonb_path_query(data, '$.a[*]'), to_jsonb(t), data['a']['b'] from t
----
select * from json_table('[{"a": 1}]'::jsonb, '$[*]' columns (id for ordinality, a int path '$.a', nested path '$.b[*]' columns (c text path '$'))) as jt
----
select * from xmltable('/r' passing x columns a int path '@a')
----
select xmlelement(name foo), xmlparse(document '<a/>')
----
select to_tsvector('english', a) @@ to_tsquery('x & y'), ts_rank(v, q) from t
----
select box '(1,1),(0,0)', point(1, 2) <-> point(3, 4), a && b, a -|- b, a << b, c <@ d from t
----
select * from a natural join b
----
select * from a inner join b on a.id = b.id left outer join c using (id) right join d on true full join e on e.id = a.id cross join f
----
select * from a join b using (id) as j
----
select * from (a join b on a.id = b.id) join c on c.id = a.id
----
select * from a join (b join c on b.id = c.id) on a.id = b.id
----
select * from (select 1) as x(a), (values (1), (2)) as y(b)
----
select * into new_t from t
----
insert into t (a, b) values (1, default) on conflict (a) do update set b = excluded.b where t.b is distinct from excluded.b returning *, a as x
----
insert into t values (1) on conflict do nothing
----
insert into t as x (a) select 1 on conflict on constraint pk do nothing
----
insert into t default values returning id
----
insert into t (a) overriding system value values (1)
----
update t set a = 1, (b, c) = (2, 3), (d, e) = (select 4, 5) from u where u.id = t.id returning t.*
----
update only t as x set arr[1] = 2, j['a'] = '1' where x.id = 3
----
delete from t using u where t.id = u.id returning *
----
merge into t using s on t.id = s.id when matched and s.x then delete when matched then update set a = s.a when not matched then insert (id, a) values (s.id, s.a)
----
merge into t using s on t.id = s.id when matched then do nothing when not matched then insert default values
----
truncate table a, b restart identity cascade
----
create table t (id bigint generated always as identity (start with 10) primary key, a text not null default 'x' check (a <> ''), b int references u (id) on delete cascade deferrable initially deferred, c int generated always as (b * 2) stored, d text collate "C", unique (a, b), constraint ck check (b > 0), foreign key (b) references u, exclude using gist (e with &&)) with (fillfactor = 70)
----
create table p (a int, d date) partition by range (d)
----
create table p1 partition of p for values from ('2024-01-01') to ('2024-02-01')
----
create table p2 partition of p default
----
create table p3 partition of p for values in (1, 2) partition by hash (a)
----
create table if not exists t (like u including all) inherits (v)
----
create temp table t on commit drop as select 1 as a
----
create unlogged table t as select * from u with no data
----
create temporary table t (a int) on commit delete rows
----
create unique index concurrently if not exists i on t using btree (lower(a) desc nulls last, b text_pattern_ops) include (c) where d is null
----
create index on t using gin (data jsonb_path_ops) with (fastupdate = off)
----
create or replace view v (a, b) with (security_barrier) as select 1, 2 with check option
----
create recursive view r (n) as select 1
----
create materialized view if not exists mv as select 1 as a with no data
----
refresh materialized view concurrently mv with data
----
create or replace function f(a int, b text default 'x', out c int) returns setof record language plpgsql stable security definer set search_path = public as $$
declare r record;
begin
  for r in select * from t loop c := r.a; return next; end loop;
  return;
end;
$$
----
create function add(a int, b int) returns int as 'select a + b' language sql immutable strict parallel safe
----
create function add2(a int) returns int language sql return a + 2
----
create function g() returns table (a int, b text) language sql begin atomic select 1, 'x'; end
----
create procedure p(inout x int) language plpgsql as $body$ begin x := x + 1; commit; end $body$
----
call p(1)
----
do $$ begin raise notice 'x'; end $$
----
do language plpgsql $x$ begin null; end $x$
----
create trigger tr before insert or update of a on t for each row when (new.a is not null) execute function f()
----
create constraint trigger ct after insert on t deferrable initially deferred for each row execute procedure f()
----
create type mood as enum ('sad', 'ok'); create type pt as (x int, y int); create domain posint as int check (value > 0)
----
create type r as range (subtype = float8)
----
alter type mood add value if not exists 'happy' after 'ok'
----
create sequence if not exists s as bigint start 1 increment by 2 no cycle owned by t.id
----
create extension if not exists pg_trgm with schema public
----
create schema if not exists s authorization joe
----
create aggregate a (int) (sfunc = int4pl, stype = int)
----
create operator === (leftarg = box, rightarg = box, function = f)
----
create cast (a as b) with function f(a)
----
create rule r as on insert to t do instead nothing
----
create policy p on t for select to public using (a = current_user)
----
create publication p for table t; create subscription s connection 'x' publication p
----
create role r login password 'x'; create user u; create database d owner u
----
create statistics s (dependencies) on a, b from t
----
create server s foreign data wrapper postgres_fdw options (host 'x'); create foreign table ft (a int) server s options (table_name 't')
----
alter table t add column if not exists a int, drop column b cascade, alter column c type text using c::text, alter d set not null, alter e drop default, add constraint x unique (a), rename to u
----
alter table t rename column a to b
----
alter table t attach partition p for values from (1) to (2)
----
alter table t enable row level security, owner to joe
----
alter table t set schema s
----
alter index i rename to j; alter view v owner to x; alter sequence s restart with 5; alter function f(int) owner to x
----
drop table if exists a, b cascade; drop view v; drop index concurrently i; drop function if exists f(int); drop type mood; drop trigger tr on t; drop materialized view mv
----
comment on table t is 'x'; comment on column t.a is null; comment on function f(int) is 'y'
----
copy t (a, b) from stdin with (format csv, header true, delimiter ',')
----
copy (select * from t) to '/tmp/x.csv' csv header
----
grant select, insert on all tables in schema s to r with grant option; revoke all on t from public
----
grant execute on function f(int) to r; alter default privileges in schema s grant select on tables to r
----
begin; savepoint a; rollback to savepoint a; release savepoint a; commit
----
start transaction isolation level serializable read only; end
----
set search_path to a, b; set local timezone = 'UTC'; set session characteristics as transaction read only; reset all; show all
----
explain (analyze, buffers, format json) select 1
----
vacuum (full, analyze) t; analyze t (a); cluster t using i; reindex table concurrently t; checkpoint; discard all
----
listen ch; notify ch, 'x'; unlisten *
----
lock table t in access exclusive mode
----
prepare p (int) as select $1; execute p(1); deallocate p
----
declare c scroll cursor with hold for select 1; fetch 5 from c; move next in c; close c
----
security label on table t is 'x'; reassign owned by a to b; import foreign schema s from server x into y
----
select date_trunc('month', o.created_at)::date as month, count(distinct o.user_id) as users, round(sum(oi.price * oi.qty)::numeric, 2) as revenue from orders o join order_items oi on oi.order_id = o.id where o.created_at >= now() - interval '1 year' and o.status = any ('{paid,shipped}') group by 1 having sum(oi.price) > 0 order by 1
----
select * from a left join b left join c using(k) using(j)
----
select * from a join b natural join c on a.x = b.x join d join e cross join f on d.y = e.y on a.z = d.z
----
analyse verbose t; select system_user
