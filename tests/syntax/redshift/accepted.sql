select id, name from users where active and created_at >= '2024-01-01'
----
select top 10 venueid, venuename from venue order by venueseats desc
----
select top 5 distinct city from venue
----
select approximate count(distinct pricepaid) from sales
----
select sellerid, approximate percentile_disc(0.5) within group (order by pricepaid) from sales group by sellerid
----
select caldate, ratio_to_report(pricepaid) over (partition by sellerid) as share from sales
----
select listagg(distinct name, ', ') within group (order by name) as names from users group by country
----
select listagg(name) within group (order by id) over (partition by country) from users
----
select median(price) over (partition by category), percentile_cont(0.9) within group (order by price) over (partition by category) from products
----
select percentile_cont(0.5) within group (order by price desc) from products
----
select a, b, sum(c) from t group by grouping sets ((a), (b), ())
----
select a, b, grouping(a), sum(c) from t group by rollup(a, b)
----
select a, b, sum(c) from t group by cube(a, b) having sum(c) > 1
----
with recent as (select * from orders where order_date > dateadd(day, -7, current_date)) select count(*) from recent
----
with recursive hierarchy(id, manager_id, level) as (
  select id, manager_id, 1 as level from employee where manager_id is null
  union all
  select e.id, e.manager_id, h.level + 1 from employee e join hierarchy h on e.manager_id = h.id
)
select * from hierarchy order by level
----
select interval '1 day' + current_date, interval '2 weeks 3 hours', interval '30' day, interval '1-2' year to month
----
select dateadd(month, 1, d), dateadd('hour', -2, ts), datediff(day, a, b), date_trunc('week', ts), date_part(dow, d), extract(epoch from ts) from t
----
select getdate(), sysdate, current_date, current_timestamp, trunc(getdate()), timeofday()
----
select convert_timezone('UTC', 'US/Pacific', ts), convert_timezone('Europe/Berlin', ts), ts at time zone 'utc' at time zone 'CET' from t
----
select to_char(ts, 'YYYY-MM-DD HH24:MI:SS'), to_date('20240102', 'YYYYMMDD'), to_timestamp('2024-01-02', 'YYYY-MM-DD'), to_number('12,454.8-', '99G999D9S')
----
select nvl(a, b, 0), nvl2(a, 'x', 'y'), decode(status, 1, 'new', 2, 'old', 'other'), coalesce(a, b), nullif(a, ''), isnull(a, 0) from t
----
select a::varchar(10), cast(b as decimal(18, 2)), c::timestamptz, convert(integer, d), e::bool, f::float8, '2024-01-01'::date from t
----
select c.c_orders[0].o_orderkey, c.c_name.first from customer_orders_lineitem c
----
select c.c_name, o.o_orderkey, l.l_partkey from customer_orders c, c.c_orders o, o.lineitems l where o.o_status = 'F'
----
select index, element from orders o, o.items as element at index
----
select attr, val from customer c, unpivot c.attributes as val at attr
----
select json_extract_path_text(payload, 'user', 'id'), json_extract_array_element_text('[1,2]', 1), json_array_length(items), is_valid_json(payload) from events
----
select json_parse('{"a": 1}'), json_serialize(s), json_typeof(s.a), get_array_length(s.items), array(1, 2, 3), object('a', 1) from t
----
select * from (select quality, manufacturer from part) pivot (count(*) for quality in (1, 2, null as unknown))
----
select * from count_by_color unpivot (cnt for color in (red, green, blue))
----
select * from count_by_color unpivot include nulls (cnt for color in (red as r, green as g))
----
select * from sales qualify row_number() over (partition by sellerid order by pricepaid desc) = 1
----
select id from a minus select id from b
----
select id from a except select id from b union all select id from c intersect select id from d
----
select employee_id, manager_id, level from employees start with manager_id is null connect by prior employee_id = manager_id
----
select e.id, level from e connect by e.manager_id = prior e.id and level <= 3 start with e.id = 1
----
select first_value(x ignore nulls) over (partition by a order by b rows between unbounded preceding and unbounded following) from t
----
select last_value(x) ignore nulls over (partition by a order by b rows between unbounded preceding and current row) from t
----
select lag(x, 1) over (partition by u order by ts), lead(x, 2) ignore nulls over (order by ts nulls first), ntile(4) over (order by y desc nulls last) from t
----
select sum(x) over (partition by a order by b rows 6 preceding), cume_dist() over (order by b), dense_rank() over (order by c) from t
----
select count(*) filter_count from t where a ilike '%x%' and b similar to '(a|b)%' and c ~ '^[0-9]+$' and d !~* 'x' and e not like 'a\\_%'
----
select a || '-' || b, a || null, strpos(a, 'x'), charindex('x', a), position('x' in a), left(a, 2), right(a, 2), len(a) from t
----
select substring(a from 2 for 3), substring(a, 1, 2), trim(both ' ' from a), btrim(a, 'x'), lpad(a, 5, '0'), split_part(a, ',', 2), regexp_substr(a, '[a-z]+', 1, 2), regexp_replace(a, 'x', 'y') from t
----
select case when a > 1 then 'x' when a is null then 'y' else 'z' end as label, case a when 1 then 2 end from t
----
select * from a left join b on a.id = b.id inner join c using (id) full outer join d on d.id = c.id cross join e natural join f
----
select * exclude (a, b) from t
----
select * exclude a from t where x between 1 and 2 or y in (select id from z) and not exists (select 1 from w where w.id = t.id)
----
select max(case when k = 'a' then v end) as "a", min(v) "b c", any_value(v) c from t group by 1, 2 order by 1 desc, 2 nulls first limit 10 offset 5
----
select current_user, user, current_schema(), current_database(), version(), session_user
----
select bool_and(a), bool_or(b), bit_and(c), stddev_samp(d), var_pop(e), approximate count(distinct f) as n from t
----
select 'it''s' as s, 'C:\\x' as p, e'a\nb', 'a'
'b', -1.5e3, .5, 0x1f
----
select "Order"."Id", schema1.t.a, db1.schema1.t2.b from "Order", schema1.t, db1.schema1.t2
----
select * from db.sch.tbl where "select" = 1
----
select a % 2, a ^ 2, |/ 25, ||/ 27, @ -5, a & 3, a | 4, a # 5, ~a, a << 1, a >> 2 from t
----
select * from t where d between date '2024-01-01' and timestamp '2024-01-31 00:00:00' and b is not true and c is unknown
----
select * from t1, t2 where t1.id = t2.id(+)
----
select * into temp table staging_orders from orders where 1 = 0
----
select * into #tmp from orders
----
select a from #tmp
----
create table sales (id bigint identity(1, 1) not null, sku varchar(20) encode zstd, price decimal(18, 4) default 0 encode az64, sold_at timestamp without time zone, primary key (id)) diststyle key distkey (sku) compound sortkey (sold_at, id)
----
create table if not exists t (a int distkey, b int sortkey, c super, d varbyte(100), e geometry, f timetz) backup no diststyle all
----
create temp table stage (like sales including defaults)
----
create table t2 diststyle even interleaved sortkey (a, b) as select a, b from t
----
create table t3 distkey(a) sortkey(b) as (select a, b from t)
----
create temporary table t4 as select 1 as a
----
create table t5 (a, b) sortkey auto as select 1, 2
----
create view v as select a from public.t with no schema binding
----
create or replace view analytics.v as select a from spectrum.t with no schema binding
----
create materialized view mv distkey(a) sortkey(b) auto refresh yes as select a, b, count(*) from t group by a, b
----
create materialized view mv backup no auto refresh no as select 1 as a
----
refresh materialized view mv
----
create external table spectrum.sales (id int, ts timestamp) partitioned by (dt date) row format delimited fields terminated by '\t' stored as textfile location 's3://bucket/sales/' table properties ('numRows'='170000')
----
create external table spectrum.j (id int, items array<struct<a:int,b:varchar(20)>>) row format serde 'org.openx.data.jsonserde.JsonSerDe' with serdeproperties ('ignore.malformed.json' = 'true') location 's3://bucket/j/'
----
create external schema spectrum from data catalog database 'dev' iam_role 'arn:aws:iam::1:role/r' create external database if not exists
----
create schema if not exists staging authorization admin
----
copy sales from 's3://bucket/sales' iam_role 'arn:aws:iam::123:role/load' csv ignoreheader 1 gzip timeformat 'auto' maxerror 10
----
copy sales (a, b) from 's3://b/k' credentials 'aws_access_key_id=x;aws_secret_access_key=y' delimiter '|' region 'us-east-1' format as json 's3://b/paths.json'
----
unload ('select * from sales where sku = ''a''') to 's3://bucket/unload/' iam_role 'arn:aws:iam::1:role/r' parallel off allowoverwrite format as parquet partition by (dt)
----
insert into t (a, b) values (1, 'x'), (default, null)
----
insert into t select a, b from s where not exists (select 1 from t where t.a = s.a)
----
insert into t (select * from s)
----
insert into t default values
----
update t set a = s.a, b = b + 1 from s where t.id = s.id
----
delete from t using s where t.id = s.id
----
delete t where a = 1
----
with s as (select 1 as id) delete from t using s where t.id = s.id
----
merge into target using source on target.id = source.id when matched then update set name = source.name when not matched then insert (id, name) values (source.id, source.name)
----
merge into target using source on target.id = source.id when matched then delete when not matched then insert values (source.id, source.name)
----
merge into target using source on target.id = source.id remove duplicates
----
alter table t alter distkey a
----
alter table t alter sortkey (a, b)
----
alter table t alter diststyle even
----
alter table t append from s
----
alter table t add column c varchar(10) default 'x' encode lzo
----
alter table t drop column c cascade
----
alter table t rename to t9
----
alter table t alter column c type varchar(300)
----
alter table t owner to someone
----
alter table t alter column c encode zstd
----
alter materialized view mv auto refresh yes
----
truncate t
----
truncate table t
----
drop table if exists a, b cascade
----
drop view v
----
drop materialized view if exists mv
----
vacuum
----
vacuum full sales to 75 percent
----
vacuum reindex listing
----
vacuum delete only sales
----
analyze
----
analyze sales (a, b) predicate columns
----
analyze compression sales
----
grant select on all tables in schema public to group analysts
----
grant usage on schema s to role reporting
----
revoke all on t from public
----
call sp_update(1, 'x')
----
create or replace procedure sp(a in int, b inout varchar(20)) as $$
declare n int;
begin
  select count(*) into n from t;
  if n > 0 then delete from t; end if;
end;
$$ language plpgsql
----
create or replace procedure sp() language plpgsql security definer as $$ begin null; end; $$
----
create function f_sql(int, float) returns float stable as $$ select case when $1 > 1 then $2 else 0 end $$ language sql
----
create or replace function f_py(x float) returns float immutable as $$
  return x * 2
$$ language plpythonu
----
create external function f_l(varchar) returns varchar volatile lambda 'fn' iam_role 'arn:aws:iam::1:role/r'
----
begin; delete from t where a = 1; insert into t select 1; end;
----
begin transaction; commit;
----
begin read write; lock t; rollback
----
set query_group to 'etl'; set search_path to a, b; reset query_group
----
set enable_case_sensitive_identifier to true
----
show tables from schema dev.public
----
show search_path
----
explain select 1
----
explain verbose select * from t
----
comment on table t is 'x'; comment on column t.a is 'y'
----
prepare p (int) as select * from t where a = $1; execute p(1); deallocate p
----
declare c cursor for select * from t; fetch forward 10 from c; close c
----
cancel 1234
----
create user u password disable; create group g; alter user u set search_path to x; drop user u
----
create database d with owner o collate case_insensitive
----
create model m from (select age, churn from customers) target churn function predict_churn iam_role 'arn' settings (s3_bucket 'b')
----
create datashare s; alter datashare s add schema public; grant usage on datashare s to namespace 'x'
----
-- comment at the start
select /* inline */ 1 -- end
;
----
select a, b from t /* /* nested */ */ where 1 = 1
----
select count(1), sum(a) over () as "total", md5('x'), sha2('x', 256), func_sha1('a'), strtol('ff', 16), fnv_hash(1), crc32('x') from t
----
select date '2024-01-01' + 7, date_part('year', d), months_between(a, b), add_months(d, 1), last_day(d), next_day(d, 'Tu'), d + interval '1 month' from t
----
select greatest(1, 2, 3), least(a, b), mod(a, 2), round(a, 2), trunc(a), ceil(a), floor(a), power(2, 3), sqrt(4), log(10), ln(2), exp(1), abs(-1), sign(a), pi(), random() from t
----
select user_id, count(*) as n from stv_sessions group by all order by all
----
select t.a as "value", t.b as type, t.c as name, t.d as date, t.e as timestamp from t
----
select * from (values (1, 'a'), (2, 'b')) as v (id, label)
----
select a, (select max(b) from s where s.a = t.a) mb, array_agg(x) from t, lateral (select 1 as x) l
----
select * from t where (a, b) in (select a, b from s) and (c, d) = (1, 2) and e > all (select 1) and f = any (select 2)
----
select r.value::varchar, r."Key" from t, t.props r where r.value is not null
----
select tag from t as m, m.payload.tags as tag where is_array(m.payload.tags) and m.payload.user.id::int = 4
----
select object_transform(s set '"a"', 1), array_concat(array(1), array(2)), subarray(a, 1, 2), array_flatten(b) from t
----
select date_trunc('month', order_ts)::date as month, count(distinct user_id) as users, sum(amount)::numeric(38, 2) from "analytics"."orders" o left join "analytics"."users" u on (u.id = o.user_id and u.valid_to is null) where o.order_ts >= (select coalesce(max(month), '1900-01-01') from "analytics"."monthly") group by 1 order by 1
----
select * from a left join b left join c using(k) using(j)
----
select * from a join b natural join c on a.x = b.x join d join e cross join f on d.y = e.y on a.z = d.z
