-- The server looks whether its client is still there, and stops if it is not. Since version 14.
select set_config('client_connection_check_interval', '2s', false)
where current_setting('server_version_num')::int >= 140000;

-- What an index is of: its definition behind the name of its table.
create or replace function pg_temp.trueup_index(index oid) returns text
language sql set search_path = pg_catalog as $index$
  select substring(pg_get_indexdef(index) from length(format('CREATE %sINDEX %I ON %s%I.%I',
    case when indisunique then 'UNIQUE ' end, i.relname, case when t.relkind = 'p' then 'ONLY ' end, nspname, t.relname)) + 1)
  from pg_index join pg_class i on i.oid = indexrelid join pg_class t on t.oid = indrelid
  join pg_namespace n on n.oid = t.relnamespace
  where indexrelid = index
$index$;

-- Makes the indexes again that others had made on the relation that was replaced, where its columns still allow it, and
-- where post-operations have not made the same.
create or replace function pg_temp.trueup_keep_indexes(target text) returns void
language plpgsql set search_path = pg_catalog as $keep$
declare
  own oid := to_regclass(target);
  lost record;
begin
  for lost in
    select name, is_unique, definition from jsonb_to_recordset(current_setting('trueup.indexes', true)::jsonb)
      as indexes (name text, is_unique boolean, definition text)
    where not exists (
      select from pg_index join pg_class i on i.oid = indexrelid
      where indrelid = own and (i.relname = name or indisunique = is_unique and pg_temp.trueup_index(indexrelid) = definition)
    )
  loop
    begin
      execute format('create %s index %I on %s%s', case when lost.is_unique then 'unique' end, lost.name, target, lost.definition);
    exception when undefined_column or undefined_function or undefined_object or datatype_mismatch or wrong_object_type
      or feature_not_supported or invalid_object_definition then
    end;
  end loop;
end
$keep$;

-- Makes the partitions of `parent` that `new_rows` need and that are not there, and one for the rows of no range. Their
-- names say the range, and by its number the table that they belong to. A range whose rows are in the default partition
-- by now, or that overlaps with another, gets none. Nothing is done if the table is not partitioned by the column `key`.
create or replace function pg_temp.trueup_make_partitions(
  parent text, name text, new_rows text, key text, granularity text, step numeric, modifier text) returns void
language plpgsql set search_path = pg_catalog set timezone = 'UTC' set datestyle = 'ISO' as $partitions$
declare
  own oid := parent::regclass;
  schema text := (select nspname from pg_class c join pg_namespace n on n.oid = relnamespace where c.oid = own);
  key_type text := (select format_type(atttypid, null) from pg_attribute where attrelid = own and attname = key);
  made record;
  kept text;
  ending text;
  ranges text;
begin
  if pg_get_partkeydef(own) is distinct from format('RANGE (%I)', key) then
    return;
  end if;
  if granularity is not null and key_type in ('date', 'timestamp without time zone', 'timestamp with time zone')
    and not (granularity = 'hour' and key_type = 'date') then
    -- Infinity and what a calendar hardly has go to the default partition.
    ranges := format(
      'select to_char(low, %L) as label, format(''for values from (%%L) to (%%L)'', low, low + %L::interval) as bounds
      from (select distinct date_trunc(%L, %I::timestamp) as low from %s
        where %4$I >= ''0001-01-01'' and %4$I < ''10000-01-01'') as lows',
      case granularity when 'hour' then '"p"YYYYMMDDHH24' else '"p"YYYYMMDD' end,
      case granularity when 'quarter' then '3 months' else '1 ' || granularity end, granularity, key, new_rows);
  elsif step is not null and key_type in ('smallint', 'integer', 'bigint', 'numeric') then
    ranges := format(
      'select ''p'' || replace(low::text, ''-'', ''m'') as label, format(''for values from (%%L) to (%%L)'', low, low + %1$s) as bounds
      from (select distinct n - mod(mod(n, %1$s) + %1$s, %1$s) as low
        from (select floor(%2$I::numeric) as n from %3$s where %2$I between -1e19 and 1e19) as numbers) as lows',
      step, key, new_rows);
  elsif exists (select from pg_inherits where inhparent = own) then
    return;
  else
    raise exception using errcode = 'datatype_mismatch',
      message = format('`%s` is of the type %s, which has no partitions by %s', key, key_type, coalesce(granularity, 'step')),
      hint = 'let `partitionBy` have a `granularity` for a date (days or longer) or a timestamp, and a `step` for whole numbers';
  end if;
  for made in execute ranges || ' union all select ''default'', ''default''' loop
    kept := name;
    ending := format('_%s_%s', made.label, to_hex(own::bigint));
    while octet_length(kept || ending) > 63 loop
      kept := left(kept, -1);
    end loop;
    continue when to_regclass(format('%I.%I', schema, kept || ending)) is not null;
    begin
      execute format('create %s table %I.%I partition of %s %s', modifier, schema, kept || ending, parent, made.bounds);
    exception when invalid_object_definition or check_violation or numeric_value_out_of_range then
    end;
  end loop;
end
$partitions$;

-- Puts the relation `made` in the place `target` of the same schema, in the transaction of its caller. What stood there
-- hands on its owner, its privileges and its comments, and is dropped. Views that stand on it are made again, in
-- their order; one of those in `rebuilt` may be lost if it no longer fits, because it is about to be built anew.
create or replace function pg_temp.trueup_publish(target text, made text, rebuilt text[]) returns void
language plpgsql set search_path = pg_catalog as $publish$
declare
  old oid := to_regclass(target);
  new oid := to_regclass(made);
  kinds constant jsonb := '{"r": "table", "p": "table", "f": "foreign table", "v": "view", "m": "materialized view"}';
  kind text;
  old_name text;
  own_name text := (parse_ident(target))[array_length(parse_ident(target), 1)];
  statement text;
  dependant record;
  handed_on text[] := '{}';
  dependants jsonb := '[]';
  lost text[] := array(
    select (select string_agg(quote_ident(part), '.' order by at) from unnest(parse_ident(name)) with ordinality as parts (part, at))
    from unnest(rebuilt) as names (name)
  );
begin
  perform set_config('trueup.indexes', '[]', false);
  if old is not null then
    select kinds ->> relkind::text, format('%I.%I', nspname, 'trueup_old_' || c.oid) into kind, old_name
    from pg_class c join pg_namespace n on n.oid = relnamespace where c.oid = old;

    -- Takes the lock that keeps others from putting a view on it meanwhile. `lock table` would take those below a view too.
    execute format('alter table %s rename to %I', target, 'trueup_old_' || old);
    execute format('alter table %s rename to %I', old_name, own_name);

    -- Those that trueup makes come with the new relation.
    perform set_config('trueup.indexes', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'name', i.relname, 'is_unique', indisunique, 'definition', pg_temp.trueup_index(indexrelid))), '[]')::text
      from pg_index join pg_class i on i.oid = indexrelid
      where indrelid = old and indisvalid and i.relname not like 'trueup\_%'
        and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u', 'x'))
    ), false);

    select coalesce(array_agg(text order by at), '{}') into handed_on from (
      select 1 as at, format('alter table %s owner to %I', target, pg_get_userbyid(relowner)) as text
      from pg_class where oid = old and relowner <> (select relowner from pg_class where oid = new)
      union all
      select 2, format('grant %s on %s to %s%s', privilege_type, target,
        case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
        case when is_grantable then ' with grant option' else '' end)
      from pg_class, aclexplode(relacl) where oid = old and grantee <> relowner
      union all
      select 2, format('grant %s (%I) on %s to %s', privilege_type, a.attname, target,
        case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end)
      from pg_attribute a join pg_attribute b on b.attrelid = new and b.attname = a.attname, aclexplode(a.attacl)
      where a.attrelid = old and a.attnum > 0 and not a.attisdropped
      union all
      select 3, format('comment on %s %s is %L', (select kinds ->> relkind::text from pg_class where oid = new), target,
        obj_description(old, 'pg_class'))
      where obj_description(old, 'pg_class') is not null and obj_description(new, 'pg_class') is null
      union all
      select 3, format('comment on column %s.%I is %L', target, a.attname, col_description(old, a.attnum))
      from pg_attribute a join pg_attribute b on b.attrelid = new and b.attname = a.attname
      where a.attrelid = old and a.attnum > 0 and not a.attisdropped and not b.attisdropped
        and col_description(old, a.attnum) is not null and col_description(new, b.attnum) is null
    ) as statements;

    -- Names and definitions as they are now: a view keeps the object that it stands on, not its name.
    with recursive below as (
      select ev_class as oid, 1 as depth from pg_rewrite r
      join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      where d.refclassid = 'pg_class'::regclass and d.refobjid = old and ev_class <> old
      union
      select ev_class, depth + 1 from below
      join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = below.oid
      join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and d.objid = r.oid
      where ev_class <> below.oid
    ), deepest as (
      select oid, max(depth) as depth from below group by oid
    )
    select coalesce(jsonb_agg(jsonb_build_object(
      'depth', depth,
      'name', format('%I.%I', nspname, relname),
      'kind', kinds ->> relkind::text,
      'statements', (select jsonb_agg(text order by at) from (
        select 1 as at, format('create %s %s%s as %s', kinds ->> relkind::text, c.oid::regclass,
          ' with (' || array_to_string(reloptions, ', ') || ')', pg_get_viewdef(c.oid)) as text
        union all
        select 2, pg_get_indexdef(indexrelid) from pg_index where indrelid = c.oid
        union all
        select 3, format('alter table %s owner to %I', c.oid::regclass, pg_get_userbyid(relowner))
        where pg_get_userbyid(relowner) <> current_user
        union all
        select 4, format('grant %s on %s to %s%s', privilege_type, c.oid::regclass,
          case when grantee = 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end,
          case when is_grantable then ' with grant option' else '' end)
        from aclexplode(relacl) where grantee <> relowner
        union all
        select 5, format('comment on %s %s is %L', kinds ->> relkind::text, c.oid::regclass, obj_description(c.oid, 'pg_class'))
        where obj_description(c.oid, 'pg_class') is not null
        union all
        select 6, format('comment on column %s.%I is %L', c.oid::regclass, attname, col_description(c.oid, attnum))
        from pg_attribute where attrelid = c.oid and attnum > 0 and col_description(c.oid, attnum) is not null
      ) as texts)
    )), '[]') into dependants
    from deepest join pg_class c using (oid) join pg_namespace n on n.oid = relnamespace;

    execute format('alter table %s rename to %I', target, 'trueup_old_' || old);
  end if;

  execute format('alter table %s rename to %I', made, own_name);

  if old is not null then
    foreach statement in array handed_on loop
      execute statement;
    end loop;
    for dependant in select value from jsonb_array_elements(dependants) order by (value ->> 'depth')::int desc loop
      execute format('drop %s %s', dependant.value ->> 'kind', dependant.value ->> 'name');
    end loop;
    for dependant in select value from jsonb_array_elements(dependants) order by (value ->> 'depth')::int loop
      begin
        for statement in select jsonb_array_elements_text(dependant.value -> 'statements') loop
          execute statement;
        end loop;
      exception when undefined_column or undefined_table or undefined_function or datatype_mismatch or cannot_coerce
        or wrong_object_type or invalid_text_representation or grouping_error then
        if not dependant.value ->> 'name' = any (lost) then
          raise exception using errcode = sqlstate, message = format(
            'the %s %s stands on %s and no longer fits: %s', dependant.value ->> 'kind', dependant.value ->> 'name', target,
            sqlerrm), hint = 'change it or drop it, and run again; nothing has been changed';
        end if;
      end;
    end loop;
    execute format('drop %s %s', kind, old_name);
  end if;
end
$publish$
