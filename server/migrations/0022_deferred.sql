-- Calls that are made later, alone or in a batch. The row is the call while it waits; each try is a call of its own,
-- whose row is written before the first byte leaves. What is asked is sealed, and gone when the call is over.
create table deferred_call (
  tenant_id     uuid not null,
  id            uuid not null,
  connection_id uuid not null,
  batch_id      uuid,
  position      int, -- in the batch, from 0
  operation     text,
  method        text, -- null until it is known: a mapping says what is sent
  path          text,
  actor         jsonb not null, -- who asked, with what rights
  request       bytea,
  state         text not null default 'queued'
                check (state in ('queued', 'started', 'succeeded', 'refused', 'failed', 'unknown', 'canceled')),
  tries         smallint not null default 0,
  call_ids      uuid[] not null default '{}', -- of the tries; the last is the one under way
  due           timestamptz not null default now(), -- of the next try
  status        smallint,
  error         text,
  report        bytea, -- sealed
  closed_at     timestamptz,
  primary key (tenant_id, id)
) partition by range (id);
create index on deferred_call (tenant_id, batch_id, position) where batch_id is not null;
-- What waits, in a batch and alone: few rows, and gone from here when they end.
create index on deferred_call (tenant_id, batch_id, due) where state in ('queued', 'started');
call isolate('deferred_call');
grant select, insert, update on deferred_call to trilho_app;
call open_to_worker('deferred_call', 'select');

-- The work on them: a deferred call that is due, or a turn of a batch. A table of its own, so that vendors who hang hold
-- up no other job.
create table call_queue (
  tenant_id uuid not null,
  id        uuid not null, -- of the deferred call or the batch
  kind      text not null check (kind in ('call', 'batch')),
  due       timestamptz not null,
  claim     uuid,
  attempts  smallint not null default 0,
  primary key (tenant_id, id)
);
create index on call_queue (due);
call isolate('call_queue');
grant select, insert, update, delete on call_queue to trilho_app;
call open_to_worker('call_queue', 'select, update, delete');

create table batch (
  tenant_id     uuid not null,
  id            uuid not null,
  connection_id uuid not null,
  state         text not null default 'running' check (state in ('running', 'completed', 'canceled')),
  total         int not null,
  concurrency   int not null,
  delay_ms      int not null, -- between the starts of two calls
  actor         text not null,
  request_id    text,
  closed_at     timestamptz,
  primary key (tenant_id, id)
) partition by range (id);
create index on batch (tenant_id, connection_id, id);
call isolate('batch');
grant select, insert, update on batch to trilho_app;
call open_to_worker('batch', 'select');

-- What every call through a connection maps, unless its operation or the call itself says otherwise.
alter table connection add column mapping jsonb not null default '{}';

-- What the steps of a call's mapping came to: kind, time, and what went wrong. What they were given and gave is not kept.
create table call_mapping (
  tenant_id uuid not null,
  id        uuid not null, -- of the call
  steps     text not null,
  primary key (tenant_id, id)
) partition by range (id);
call isolate('call_mapping');
grant select, insert on call_mapping to trilho_app;
