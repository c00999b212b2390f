-- Deliveries in order, and turns among subscriptions.
alter table subscription
  add column ordering        jsonb, -- {"per": "key", "key": "data.payment.id", "on_failure": "block"}; null keeps no order
  add column max_concurrency int check (max_concurrency between 1 and 1000);

-- How often its work was cut off: a claim that nobody ended.
alter table delivery_queue add column cuts smallint not null default 0;
create index on delivery_queue (subscription_id, (attempts > 0), due);

-- The deliveries of one key of a subscription, one after another; here for as long as one of them is under way.
create table delivery_lane (
  tenant_id       uuid not null,
  subscription_id uuid not null,
  key             text not null,
  pending         int not null,
  next_seq        bigint not null,
  due             timestamptz not null,
  claim           uuid,
  attempts        smallint not null default 0, -- of its head
  cuts            smallint not null default 0,
  held            boolean not null default false, -- waits for its subscription to be resumed
  parked          boolean not null default false, -- waits for somebody to decide about its head
  primary key (tenant_id, subscription_id, key)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
create index on delivery_lane (due);
create index on delivery_lane (subscription_id, (attempts > 0), due);
create index on delivery_lane (tenant_id, subscription_id) where held or parked;
call isolate('delivery_lane');
grant select, insert, update, delete on delivery_lane to trilho_app;
call open_to_worker('delivery_lane', 'select, insert, update, delete');

-- What stands in a lane. `seq` is given by the lane while it is locked, so it is the order of commit.
create table delivery_line (
  tenant_id       uuid not null,
  subscription_id uuid not null,
  key             text not null,
  seq             bigint not null,
  delivery_id     uuid not null,
  event_id        uuid not null,
  primary key (tenant_id, subscription_id, key, seq)
) with (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
call isolate('delivery_line');
grant select, insert, update, delete on delivery_line to trilho_app;
call open_to_worker('delivery_line', 'select, insert, update, delete');

-- What a subscription came to: written with each attempt, so that it is exact.
create table subscription_counter (
  tenant_id         uuid not null,
  subscription_id   uuid not null,
  attempts          bigint not null default 0,
  delivered         bigint not null default 0,
  failed            bigint not null default 0, -- attempts that were
  last_attempt_at   timestamptz,
  last_delivered_at timestamptz,
  primary key (tenant_id, subscription_id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000);
call isolate('subscription_counter');
grant select, delete on subscription_counter to trilho_app;
call open_to_worker('subscription_counter', 'select, insert, update');

alter table attempt add column timing text; -- JSON: milliseconds to the name, the connection, its encryption, the first byte, the end

alter table delivery drop constraint delivery_state_check;
alter table delivery add constraint delivery_state_check check (state in ('pending', 'delivered', 'failed', 'expired'));
alter table subscription add column expire_after_s int check (expire_after_s > 0);
alter table subscription_failing add column warned smallint not null default 0; -- how many warnings were given
