-- What every later migration stands on: time partitions by id, and the isolation of tenants.

-- The smallest UUIDv7 of an instant: bounds of partitions, and time ranges over ids.
create function v7_floor(ts timestamptz) returns uuid language sql immutable strict parallel safe as
  $$ select (encode(substring(int8send((extract(epoch from ts) * 1000)::bigint) from 3), 'hex') || repeat('0', 20))::uuid $$;

-- The tenants this transaction may see. After a commit the setting is '' rather than null.
create function current_tenants() returns uuid[] language sql stable parallel safe as
  $$ select nullif(current_setting('trilho.tenants', true), '')::uuid[] $$;

grant execute on function v7_floor(timestamptz), current_tenants() to trilho_app, trilho_worker, trilho_ingest, trilho_gate;

-- Closes a table to everyone but its tenant. FORCE binds the owner too, hence the owner's own policy: without
-- it a data migration would change nothing and a backup would be empty, both without an error.
create procedure isolate(t regclass, tenant_column text default 'tenant_id') language plpgsql as $$
begin
  execute format('alter table %s enable row level security', t);
  execute format('alter table %s force row level security', t);
  execute format('create policy owner on %s to trilho_owner using (true) with check (true)', t);
  execute format('create policy own on %s to trilho_app using (%I = any ((select current_tenants())::uuid[]))', t, tenant_column);
end
$$;

-- Opens a table of the crossing to the workers, who serve every tenant.
create procedure open_to_worker(t regclass, may text) language plpgsql as $$
begin
  execute format('create policy queue on %s to trilho_worker using (true) with check (true)', t);
  execute format('grant %s on %s to trilho_worker', may, t);
end
$$;

-- Opens a table to the door, which may put rows in and read nothing back but what `columns` names.
create procedure open_to_ingest(t regclass, columns text default null) language plpgsql as $$
begin
  execute format('create policy put on %s for insert to trilho_ingest with check (true)', t);
  execute format('grant insert on %s to trilho_ingest', t);
  if columns is not null then
    execute format('create policy seen on %s for select to trilho_ingest using (true)', t);
    execute format('grant select (%s) on %s to trilho_ingest', columns, t);
  end if;
end
$$;

-- Opens a table to the look-ups that run before a tenant is known.
create procedure open_to_gate(t regclass, columns text) language plpgsql as $$
begin
  execute format('create policy gate on %s for select to trilho_gate using (true)', t);
  execute format('grant select (%s) on %s to trilho_gate', columns, t);
end
$$;
