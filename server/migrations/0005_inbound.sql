create table source (
  tenant_id     uuid not null references tenant (id),
  id            uuid not null unique,
  provider      text not null,
  name          text not null check (length(name) between 1 and 100),
  connection_id uuid,
  settings      jsonb not null default '{}',
  state         text not null default 'enabled' check (state in ('enabled', 'disabled')),
  is_default    boolean not null default false,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, connection_id) references connection (tenant_id, id)
);
create unique index on source (tenant_id, provider) where is_default;
create index on source (provider) where is_default;
call isolate('source');
grant select, insert, update, delete on source to trilho_app;

call open_to_gate('source', 'tenant_id, id, provider, state, is_default');
create function source_by_id(s uuid) returns table (tenant_id uuid, id uuid, provider text)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id, id, provider from public.source where id = s $$;
-- Two rows are enough to know that an address without a source is ambiguous.
create function default_sources(p text) returns table (tenant_id uuid, id uuid)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id, id from public.source where provider = p and is_default limit 2 $$;
grant create on schema public to trilho_gate;
alter function source_by_id(uuid) owner to trilho_gate;
alter function default_sources(text) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function source_by_id(uuid), default_sources(text) from public;
grant execute on function source_by_id(uuid), default_sources(text) to trilho_app;

-- One received webhook, its bytes as they came; written once, closed once.
create table inbox (
  tenant_id  uuid not null,
  id         uuid not null,
  source_id  uuid not null,
  event_key  text not null,
  headers    text not null, -- JSON object of what the sender sent
  body       bytea not null,
  state      text not null default 'pending' check (state in ('pending', 'completed', 'failed', 'ignored')),
  event_type text, -- the vendor's word for it
  attempts   smallint not null default 0,
  error      text,
  closed_at  timestamptz,
  primary key (tenant_id, id)
) partition by range (id);
create index on inbox (tenant_id, source_id, id);
call isolate('inbox');
grant select, update on inbox to trilho_app;
call open_to_worker('inbox', 'select, update');
call open_to_ingest('inbox');

-- A unique key without the id is impossible on a partitioned table, so the first arrival of each event stands here.
create table inbox_seen (
  tenant_id   uuid not null,
  source_id   uuid not null,
  event_key   text not null,
  message_id  uuid not null,
  fingerprint bytea not null, -- SHA-256 of the body
  primary key (tenant_id, source_id, event_key)
);
create index on inbox_seen (message_id); -- emptied by age
call isolate('inbox_seen');
grant select on inbox_seen to trilho_app;
call open_to_ingest('inbox_seen', 'tenant_id, source_id, event_key, message_id, fingerprint');

-- The work on a message; deleted when the work ends.
create table inbox_queue (
  tenant_id uuid not null,
  id        uuid not null,
  due       timestamptz not null,
  claim     uuid,
  attempts  smallint not null default 0,
  primary key (tenant_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index on inbox_queue (due);
call isolate('inbox_queue');
grant select, insert, delete on inbox_queue to trilho_app;
call open_to_worker('inbox_queue', 'select, insert, update, delete');
call open_to_ingest('inbox_queue');

-- What was refused at the door, raw, with the reason, until it is replayed or ages out.
create table quarantine (
  tenant_id uuid not null,
  id        uuid not null,
  source_id uuid not null,
  reason    text not null,
  detail    text not null,
  headers   text not null,
  body      bytea not null,
  ip        text,
  primary key (tenant_id, id)
) partition by range (id);
create index on quarantine (tenant_id, source_id, id);
call isolate('quarantine');
grant select, delete on quarantine to trilho_app;
call open_to_ingest('quarantine');

create table security_event (
  tenant_id uuid not null,
  id        uuid not null,
  kind      text not null,
  subject   text not null, -- the source, key or client it happened at
  ip        text,
  detail    text not null,
  primary key (tenant_id, id)
) partition by range (id);
call isolate('security_event');
grant select, insert on security_event to trilho_app;
call open_to_ingest('security_event');
