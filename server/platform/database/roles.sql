-- The roles of the house, made before the first migration by the login in DATABASE_URL. They belong to the
-- whole PostgreSQL installation, so each statement is safe to repeat and to run beside another database's.
-- Where the login may not create roles, an administrator runs this file once; `trilho doctor` says so.
do $$
declare
  r text;
  -- From 16 on, who creates a role is its member at once and still may not become it.
  become text := case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end;
begin
  foreach r in array array['trilho_owner', 'trilho_app', 'trilho_worker', 'trilho_ingest', 'trilho_gate'] loop
    if not exists (select from pg_roles where rolname = r) then
      begin
        execute format('create role %I nologin', r);
      exception when duplicate_object or unique_violation then
        null; -- another database of this installation made it a moment ago
      end;
    end if;
    if not pg_has_role(current_user, r, become) then
      execute format('grant %I to %I', r, current_user);
    end if;
  end loop;
  if not pg_has_role('trilho_owner', 'trilho_gate', 'member') then
    grant trilho_gate to trilho_owner;
  end if;
  execute format('grant create, connect, temporary on database %I to trilho_owner', current_database());
  revoke all on schema public from public;
  if not has_schema_privilege('trilho_owner', 'public', 'create with grant option') then
    grant usage, create on schema public to trilho_owner with grant option; -- trilho_gate may create while it is handed its functions
  end if;
  grant usage on schema public to trilho_app, trilho_worker, trilho_ingest, trilho_gate;
end
$$;
