-- What a database of Redshift has and one of PostgreSQL has not. Found by the search path of every session, behind the
-- user's own schemas and before pg_catalog.
create schema redshift;
grant usage on schema redshift to public;

-- What is said of tables, and the queries of late-binding views.
create table redshift.storage (
  oid oid primary key, style text, dist_key text, sort_keys text[], is_interleaved boolean, no_backup boolean, encodings jsonb
);
create table redshift.late_binding (oid oid primary key, query text not null);
grant select, insert, update, delete on redshift.storage, redshift.late_binding to public;

create function redshift.refuse(state text, message text, detail text) returns void language plpgsql as $$
begin
  if detail = '' then raise exception using errcode = state, message = message; end if;
  raise exception using errcode = state, message = message, detail = detail;
end $$;

create function redshift.unbound(name text) returns boolean language plpgsql as $$
begin
  raise exception using errcode = '0A000',
    message = format('the stand-in for Redshift reads late-binding views only where their schema is named: %s', name);
end $$;

create function redshift.keep_late_binding(name text, query text) returns void language sql as $$
  insert into redshift.late_binding values (to_regclass(name), query) on conflict (oid) do update set query = excluded.query
$$;

create function redshift.check_column(relation oid, name text) returns void language plpgsql as $$
begin
  if name is not null and not exists (
    select 1 from pg_catalog.pg_attribute where attrelid = relation and attname = name and attnum > 0 and not attisdropped
  ) then
    raise exception using errcode = '42703', message = format('column "%s" named in key does not exist', name);
  end if;
end $$;

create function redshift.keep_storage(
  name text, style text, dist_key text, sort_keys text[], is_interleaved boolean, no_backup boolean, encodings text,
  only_if_new boolean
) returns void language plpgsql as $$
declare
  relation oid := to_regclass(name);
  key text;
begin
  if only_if_new and exists (select 1 from redshift.storage s where s.oid = relation) then return; end if;
  perform redshift.check_column(relation, dist_key);
  foreach key in array coalesce(sort_keys, '{}') loop perform redshift.check_column(relation, key); end loop;
  if (select relkind from pg_catalog.pg_class c where c.oid = relation) = 'm' and exists (
    select 1 from pg_catalog.pg_rewrite r join pg_catalog.pg_depend d on d.objid = r.oid
      join pg_catalog.pg_class c on c.oid = d.refobjid
    where r.ev_class = relation and c.oid <> relation and c.relkind = 'v'
  ) then
    raise exception using errcode = '0A000', message = 'Materialized views cannot be created on views.';
  end if;
  insert into redshift.storage values (relation, style, dist_key, sort_keys, is_interleaved, no_backup, encodings::jsonb)
    on conflict (oid) do update set (style, dist_key, sort_keys, is_interleaved, no_backup, encodings)
      = (excluded.style, excluded.dist_key, excluded.sort_keys, excluded.is_interleaved, excluded.no_backup, excluded.encodings);
end $$;

create function redshift.row_of(name text) returns oid language plpgsql as $$
declare relation oid := name::regclass;
begin
  insert into redshift.storage values (relation, null, null, null, false, false, '{}') on conflict do nothing;
  return relation;
end $$;

create function redshift.change_distribution(name text, new_style text, new_key text) returns void language plpgsql as $$
declare relation oid := redshift.row_of(name);
begin
  perform redshift.check_column(relation, new_key);
  update redshift.storage set style = new_style, dist_key = new_key where oid = relation;
end $$;

create function redshift.change_sort_keys(name text, keys text[]) returns void language plpgsql as $$
declare relation oid := redshift.row_of(name); key text;
begin
  foreach key in array coalesce(keys, '{}') loop perform redshift.check_column(relation, key); end loop;
  update redshift.storage set sort_keys = keys, is_interleaved = false where oid = relation;
end $$;

create function redshift.change_encodings(name text, new_encodings jsonb) returns void language plpgsql as $$
declare relation oid := redshift.row_of(name);
begin
  update redshift.storage set encodings = new_encodings where oid = relation;
end $$;

create function redshift.change_encoding(name text, name_of_column text, new_encoding text) returns void language plpgsql as $$
declare relation oid := redshift.row_of(name);
begin
  perform redshift.check_column(relation, name_of_column);
  update redshift.storage set encodings = encodings || jsonb_build_object(name_of_column, new_encoding) where oid = relation;
end $$;

create function redshift.encoding(relation oid, name name) returns text language sql stable as $$
  select encodings ->> name::text from redshift.storage where oid = relation
$$;

-- The bytes of the longest value of a column of text.
create function redshift.longest(relation oid, name name) returns bigint language plpgsql as $$
declare longest bigint := 0;
begin
  if (select atttypid from pg_catalog.pg_attribute where attrelid = relation and attname = name) = 1043 then
    execute format('select coalesce(max(octet_length(%I)), 0) from %s', name, relation::regclass) into longest;
  end if;
  return longest;
end $$;

-- The catalogue as of PostgreSQL 8.0: materialized views are views there, and later columns are missing.
create view redshift.pg_class as
  select oid, relname, relnamespace, reltype, relowner, relam, relfilenode, reltablespace, relpages, reltuples,
    relhasindex, relisshared, case relkind when 'm' then 'v'::"char" else relkind end as relkind, relnatts, relchecks,
    relhasrules, relacl
  from pg_catalog.pg_class;
create view redshift.pg_attribute as
  select attrelid, attname, atttypid, attlen, attnum, attndims, atttypmod, attbyval, attstorage, attalign, attnotnull,
    atthasdef, attisdropped, attislocal
  from pg_catalog.pg_attribute;
create view redshift.pg_namespace as select oid, nspname, nspowner, nspacl from pg_catalog.pg_namespace;

create view redshift.svv_mv_info as
  select current_database()::char(128) as database_name, n.nspname::char(128) as schema_name,
    pg_get_userbyid(c.relowner)::char(128) as user_name, c.relname::char(128) as name, 'f'::char(1) as is_stale, 1 as state,
    'f'::char(1) as autorefresh, 't'::char(1) as autorewrite
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace where c.relkind = 'm';

create view redshift.svv_relation_privileges as
  select n.nspname::text as namespace_name, c.relname::text as relation_name, a.privilege_type::text as privilege_type,
    a.grantee::int as identity_id, case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee)::text end as identity_name,
    case when a.grantee = 0 then 'public' when r.rolcanlogin then 'user' else 'group' end as identity_type,
    a.is_grantable as admin_option
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
    left join pg_catalog.pg_roles r on r.oid = a.grantee
  where a.grantee <> c.relowner;

create view redshift.svv_transactions as
  select s.usename::text as txn_owner, s.datname::text as txn_db, s.backend_xid::text::bigint as xid, s.pid,
    s.xact_start::timestamp as txn_start, l.mode as lock_mode, l.locktype as lockable_object_type,
    l.relation::int as relation, l.granted
  from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity s on s.pid = l.pid
  where l.locktype in ('relation', 'transactionid') and s.datname = current_database();

create view redshift.stv_sessions as
  select backend_start::timestamp as starttime, pid as process, usename::char(50) as user_name, datname::char(50) as db_name
  from pg_catalog.pg_stat_activity where backend_type = 'client backend';

create view redshift.stv_recents as
  select 0 as userid, case state when 'active' then 'Running' else 'Done' end::char(20) as status,
    query_start::timestamp as starttime, 0 as duration, usename::char(50) as user_name, datname::char(50) as db_name,
    query::char(600) as query, pid
  from pg_catalog.pg_stat_activity where backend_type = 'client backend';

create view redshift.svv_tables as
  select table_catalog::text, table_schema::text, table_name::text, table_type::text, null::text as remarks
  from information_schema.tables;
create view redshift.svv_columns as
  select table_catalog::text, table_schema::text, table_name::text, column_name::text, ordinal_position::int,
    column_default::text, is_nullable::text, data_type::text, character_maximum_length::int, numeric_precision::int,
    numeric_scale::int
  from information_schema.columns;
create view redshift.svv_all_tables as
  select table_catalog as database_name, table_schema as schema_name, table_name, table_type, null::text as table_acl, remarks
  from redshift.svv_tables;

create view redshift.svv_table_info as
  select current_database()::text as database, n.nspname::text as schema, c.oid::int as table_id, c.relname::text as "table",
    case when coalesce(s.encodings, '{}') = '{}' then 'Y, AUTO(ENCODE)' else 'Y' end as encoded,
    case coalesce(s.style, case when s.dist_key is not null then 'key' else 'auto' end)
      when 'key' then 'KEY(' || s.dist_key || ')' when 'auto' then 'AUTO(ALL)' else upper(s.style) end as diststyle,
    case when s.is_interleaved then 'INTERLEAVED' else coalesce(s.sort_keys[1], 'AUTO(SORTKEY)') end as sortkey1,
    coalesce(array_length(s.sort_keys, 1), 0) as sortkey_num
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join redshift.storage s on s.oid = c.oid
  where c.relkind in ('r', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'redshift');
revoke all on redshift.svv_table_info from public;

create view redshift.pg_table_def as
  select n.nspname as schemaname, c.relname as tablename, a.attname as "column", format_type(a.atttypid, a.atttypmod) as type,
    coalesce(redshift.encoding(c.oid, a.attname), 'none') as encoding, coalesce(a.attname = s.dist_key, false) as distkey,
    coalesce(array_position(s.sort_keys, a.attname::text)
      * case when s.is_interleaved and array_position(s.sort_keys, a.attname::text) % 2 = 1 then -1 else 1 end, 0) as sortkey,
    a.attnotnull as "notnull"
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join redshift.storage s on s.oid = c.oid
  where c.relkind = 'r' and n.nspname = any(current_schemas(false)) and n.nspname <> 'redshift';

grant select on redshift.pg_class, redshift.pg_attribute, redshift.pg_namespace, redshift.svv_mv_info,
  redshift.svv_relation_privileges, redshift.svv_transactions, redshift.stv_sessions, redshift.stv_recents,
  redshift.svv_tables, redshift.svv_columns, redshift.svv_all_tables, redshift.pg_table_def to public;

-- The definition of a materialized view is the whole statement; that of the others is the query.
create function redshift.pg_get_viewdef(view oid) returns text language sql stable as $$
  select case relkind when 'm' then 'create materialized view ' || nspname || '.' || relname || ' as ' else '' end
    || coalesce((select query from redshift.late_binding l where l.oid = view) || ' with no schema binding',
      pg_catalog.pg_get_viewdef(view))
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = relnamespace where c.oid = view
$$;

create function redshift.version() returns text language sql immutable as $$
  select 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.77467'::text
$$;

-- Functions of Redshift that models in the tests use.
create function redshift.getdate() returns timestamp language sql stable as $$ select statement_timestamp()::timestamp $$;
create function redshift.nvl(variadic anyarray) returns anyelement language sql immutable as $$
  select value from unnest($1) with ordinality as all_values (value, at) where value is not null order by at limit 1
$$;
create function redshift.nvl2(anyelement, anyelement, anyelement) returns anyelement language sql immutable as $$
  select case when $1 is not null then $2 else $3 end
$$;
create function redshift.strtol(text, int) returns bigint language plpgsql immutable as $$
begin
  if $2 <> 16 then
    raise 'this stand-in knows strtol of base 16 alone';
  end if;
  return ('x' || lpad($1, 16, '0'))::bit(64)::bigint;
end $$;
create function redshift.len(text) returns int language sql immutable as $$ select length($1) $$;
create function redshift.charindex(text, text) returns int language sql immutable as $$ select position($1 in $2) $$;
create function redshift.dateadd(unit text, number bigint, moment timestamp) returns timestamp language sql immutable as $$
  select case when unit in ('quarter', 'quarters', 'qtr') then moment + number * interval '3 months'
    else moment + (number || ' ' || unit)::interval end
$$;
create function redshift.datediff(unit text, first timestamp, last timestamp) returns bigint language sql immutable as $$
  select case rtrim(lower(unit), 's')
    when 'year' then extract(year from last) - extract(year from first)
    when 'quarter' then (extract(year from last) * 4 + extract(quarter from last)) - (extract(year from first) * 4 + extract(quarter from first))
    when 'month' then (extract(year from last) * 12 + extract(month from last)) - (extract(year from first) * 12 + extract(month from first))
    when 'week' then (date_trunc('week', last)::date - date_trunc('week', first)::date) / 7
    when 'day' then last::date - first::date
    else extract(epoch from date_trunc(unit, last) - date_trunc(unit, first))
      / case rtrim(lower(unit), 's') when 'hour' then 3600 when 'minute' then 60 when 'second' then 1 end
  end::bigint
$$;
create function redshift.listagg_add(state text, value text, delimiter text) returns text language sql immutable as $$
  select case when value is null then state when state is null then value else state || delimiter || value end
$$;
create aggregate redshift.listagg(text, text) (sfunc = redshift.listagg_add, stype = text);
