-- Replays by filter, at a rate, paused and resumed; and of events that a subscription never got.
alter table replay
  add column event_types text[], -- null takes all
  add column status      smallint, -- of the last answer; null takes all
  add column per_second  int check (per_second > 0),
  add column turn        uuid; -- the job that moves it; what another says is out of date
alter table replay drop constraint replay_of_state_check;
alter table replay add constraint replay_of_state_check check (of_state in ('failed', 'delivered', 'expired', 'missing'));
alter table replay drop constraint replay_state_check;
alter table replay add constraint replay_state_check check (state in ('running', 'paused', 'completed', 'canceled'));

-- What a subscription allows its receiver to be asked, and how it is told.
alter table subscription
  add column rate_count   int check (rate_count > 0),
  add column rate_per_s   int check (rate_per_s > 0),
  add column content_type text not null default 'json' check (content_type in ('json', 'form'));

-- When the next delivery of a subscription with a rate of its own may go.
create table subscription_rate (
  tenant_id       uuid not null,
  subscription_id uuid not null,
  free_at         timestamptz not null,
  primary key (tenant_id, subscription_id)
) with (fillfactor = 50);
call isolate('subscription_rate');
grant select, delete on subscription_rate to trilho_app;
call open_to_worker('subscription_rate', 'select, insert, update');

-- Work that was cut off is no retry: it comes as soon as its lease ends.
drop index delivery_queue_subscription_id_expr_due_idx;
drop index delivery_lane_subscription_id_expr_due_idx;
create index on delivery_queue (subscription_id, (attempts > 0 and claim is null), due);
create index on delivery_lane (subscription_id, (attempts > 0 and claim is null), due);
