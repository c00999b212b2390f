create table tenant (
  id          uuid primary key,
  name        text not null check (length(name) between 1 and 100),
  time_zone   text not null default 'America/Sao_Paulo',
  created_at  timestamptz not null default now()
);
call isolate('tenant', 'id');
grant select, insert, update on tenant to trilho_app;

-- A key is shown once and kept as its SHA-256. The installation's own tenant (all zeros) holds the admin keys.
create table api_key (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  name        text not null check (length(name) between 1 and 100),
  hash        bytea not null unique,
  hint        text not null,
  environment text not null check (environment in ('live', 'test')),
  scopes      text[] not null,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('api_key');
grant select, insert, update on api_key to trilho_app;

create table oauth_client (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  client_id   text not null unique check (length(client_id) between 1 and 100),
  name        text not null,
  secret_hash bytea not null,
  environment text not null check (environment in ('live', 'test')),
  scopes      text[] not null,
  revoked_at  timestamptz,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('oauth_client');
grant select, insert, update on oauth_client to trilho_app;

-- Who changed what, from where. Only ever added to.
create table audit (
  tenant_id   uuid not null,
  id          uuid not null,
  actor       text not null,
  action      text not null,
  target      text not null,
  ip          text,
  request_id  text,
  detail      jsonb not null default '{}',
  at          timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('audit');
grant select, insert on audit to trilho_app;

-- One row per Idempotency-Key of a caller. The answer is sealed by the vault and kept for a day.
create table idempotency_key (
  tenant_id   uuid not null,
  actor       text not null,
  key         text not null check (length(key) between 1 and 255),
  fingerprint bytea not null,
  state       text not null default 'started' check (state in ('started', 'done', 'unknown')),
  process     uuid not null,
  answer      bytea,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, actor, key)
);
create index on idempotency_key (created_at);
call isolate('idempotency_key');
grant select, insert, update, delete on idempotency_key to trilho_app;

call open_to_gate('tenant', 'id, name, time_zone, created_at');
call open_to_gate('api_key', 'tenant_id, id, hash, environment, scopes, expires_at, revoked_at');
call open_to_gate('oauth_client', 'tenant_id, id, client_id, secret_hash, environment, scopes, revoked_at');

create function api_key_by_hash(h bytea)
  returns table (tenant_id uuid, id uuid, environment text, scopes text[], expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id, id, environment, scopes, expires_at from public.api_key
      where hash = h and revoked_at is null and (expires_at is null or expires_at > now()) $$;

create function oauth_client_by_client_id(c text)
  returns table (tenant_id uuid, id uuid, secret_hash bytea, environment text, scopes text[])
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id, id, secret_hash, environment, scopes from public.oauth_client
      where client_id = c and revoked_at is null $$;

-- The only way to see tenants side by side; the door lets nobody but an administrator call it.
create function tenants_page(before uuid, at_most int)
  returns table (id uuid, name text, time_zone text, created_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select id, name, time_zone, created_at from public.tenant
      where id <> '00000000-0000-0000-0000-000000000000' and (before is null or id < before)
      order by id desc limit at_most $$;

grant create on schema public to trilho_gate;
alter function api_key_by_hash(bytea) owner to trilho_gate;
alter function oauth_client_by_client_id(text) owner to trilho_gate;
alter function tenants_page(uuid, int) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function api_key_by_hash(bytea), oauth_client_by_client_id(text), tenants_page(uuid, int) from public;
grant execute on function api_key_by_hash(bytea), oauth_client_by_client_id(text), tenants_page(uuid, int) to trilho_app;

insert into tenant (id, name, time_zone) values ('00000000-0000-0000-0000-000000000000', 'Installation', 'UTC');
