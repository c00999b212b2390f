alter table subscription
  add column description           text,
  add column metadata              jsonb not null default '{}',
  add column filter                text, -- JSON, as the tenant wrote it
  add column header_names          text[] not null default '{}', -- their values are in the vault
  add column auth                  jsonb, -- what of it is no secret; the rest is in the vault
  add column timeout_ms            int,
  add column retry_schedule_s      int[] check (cardinality(retry_schedule_s) <= 20),
  add column disable_after_hours   int default 120,
  add column previous_secret       bytea, -- sealed; signs too until then
  add column previous_secret_until timestamptz;
alter table subscription drop constraint subscription_state_check;
alter table subscription add check (state in ('enabled', 'paused', 'disabled'));
create index on subscription (previous_secret_until) where previous_secret_until is not null;

-- `held` waits for its subscription to be resumed, and is looked at now and then in case nobody says so.
alter table delivery_queue add column held boolean not null default false;
create index on delivery_queue (tenant_id, subscription_id) where held;

-- Subscriptions whose last attempt failed: a row from the first failure to the next success.
create table subscription_failing (
  tenant_id       uuid not null,
  subscription_id uuid not null,
  since           timestamptz not null default now(),
  failures        int not null,
  primary key (tenant_id, subscription_id)
);
call isolate('subscription_failing');
grant select, delete on subscription_failing to trilho_app;
call open_to_worker('subscription_failing', 'select, insert, update, delete');

-- Deliveries sent again in bulk: batch after batch in the order of their ids, the cursor moved with each.
create table replay (
  tenant_id       uuid not null,
  id              uuid not null,
  subscription_id uuid not null,
  since           timestamptz not null,
  until           timestamptz not null,
  of_state        text not null check (of_state in ('failed', 'delivered')),
  state           text not null default 'running' check (state in ('running', 'completed', 'canceled')),
  reached         uuid not null, -- the last delivery that was looked at
  total           int not null, -- as counted at the start
  replayed        int not null default 0,
  closed_at       timestamptz,
  primary key (tenant_id, id)
);
call isolate('replay');
grant select, insert, update on replay to trilho_app;
