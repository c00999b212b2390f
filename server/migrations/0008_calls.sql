-- One outbound request through a connection. Written before the first byte leaves, closed when the outcome is known.
create table call (
  tenant_id     uuid not null,
  id            uuid not null,
  connection_id uuid not null,
  operation     text,
  method        text not null,
  path          text not null,
  state         text not null default 'started' check (state in ('started', 'succeeded', 'refused', 'failed', 'unknown')),
  status        smallint,
  attempts      smallint not null default 0,
  duration_ms   int,
  error         text,
  actor         text not null,
  request_id    text,
  closed_at     timestamptz,
  primary key (tenant_id, id)
) partition by range (id);
create index on call (tenant_id, connection_id, id);
create index on call (tenant_id, state, id) where state <> 'succeeded'; -- what is looked for when something went wrong
-- Finds the calls of a moment among all tenants: how those are found that a process took with it.
create index on call using brin (id) with (pages_per_range = 32, autosummarize = on);
call isolate('call');
grant select on call to trilho_app;
call open_to_worker('call', 'select, insert, update');

create table call_attempt (
  tenant_id        uuid not null,
  id               uuid not null,
  call_id          uuid not null,
  number           smallint not null,
  outcome          text not null check (outcome in ('succeeded', 'refused', 'failed', 'unknown')),
  status           smallint,
  duration_ms      int not null,
  request_headers  text not null,
  request_body     bytea,
  response_headers text,
  response_body    bytea,
  error            text,
  primary key (tenant_id, id)
) partition by range (id);
create index on call_attempt (tenant_id, call_id, id);
call isolate('call_attempt');
grant select on call_attempt to trilho_app;
call open_to_worker('call_attempt', 'select, insert');
