create table subscription (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  name        text not null check (length(name) between 1 and 100),
  url         text not null,
  event_types text[] not null,
  state       text not null default 'enabled' check (state in ('enabled', 'disabled')),
  state_note  text,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('subscription');
grant select, insert, update, delete on subscription to trilho_app;

create table delivery (
  tenant_id       uuid not null,
  id              uuid not null,
  event_id        uuid not null,
  subscription_id uuid not null,
  event_type      text not null,
  state           text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts        smallint not null default 0,
  next_at         timestamptz,
  status          smallint, -- of the last answer
  error           text,
  closed_at       timestamptz,
  primary key (tenant_id, id)
) partition by range (id);
create index on delivery (tenant_id, subscription_id, id);
create index on delivery (tenant_id, event_id, id);
create index on delivery (tenant_id, state, id) where state <> 'delivered'; -- what is under way, and the dead letters
call isolate('delivery');
grant select, insert, update on delivery to trilho_app;
call open_to_worker('delivery', 'select, insert, update');

create table delivery_queue (
  tenant_id       uuid not null,
  id              uuid not null,
  event_id        uuid not null,
  subscription_id uuid not null,
  due             timestamptz not null,
  claim           uuid,
  attempts        smallint not null default 0,
  primary key (tenant_id, id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index on delivery_queue (due);
call isolate('delivery_queue');
grant select, insert, update, delete on delivery_queue to trilho_app;
call open_to_worker('delivery_queue', 'select, insert, update, delete');

create table attempt (
  tenant_id        uuid not null,
  id               uuid not null,
  delivery_id      uuid not null,
  number           smallint not null,
  outcome          text not null check (outcome in ('delivered', 'refused', 'failed')),
  status           smallint,
  duration_ms      int not null,
  request_headers  text not null,
  response_headers text,
  response_body    bytea,
  error            text,
  primary key (tenant_id, id)
) partition by range (id);
create index on attempt (tenant_id, delivery_id, id);
call isolate('attempt');
grant select on attempt to trilho_app;
call open_to_worker('attempt', 'select, insert');
