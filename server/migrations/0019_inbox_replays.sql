-- Messages taken up again in bulk: window after window in the order of their ids, the cursor moved with each.
create table inbox_replay (
  tenant_id  uuid not null,
  id         uuid not null,
  source_id  uuid, -- of all sources where there is none
  event_type text,
  states     text[] not null,
  since      timestamptz not null,
  until      timestamptz not null,
  per_second int check (per_second > 0),
  state      text not null default 'running' check (state in ('running', 'paused', 'completed', 'canceled')),
  turn       int not null default 0, -- a job of an earlier turn does nothing
  reached    uuid not null, -- the last message that was looked at
  total      int not null, -- as counted at the start
  replayed   int not null default 0,
  closed_at  timestamptz,
  primary key (tenant_id, id)
);
call isolate('inbox_replay');
grant select, insert, update on inbox_replay to trilho_app;
