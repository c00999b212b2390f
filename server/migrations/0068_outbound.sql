-- Who has how many deliveries of a subscription under way, where it bounds them: {"<process>": {"count": 2, "until": timestamp}}.
-- One row, so that what is given is decided from the locked row and never exceeds the bound.
create table subscription_permit (
  tenant_id       uuid not null,
  subscription_id uuid not null,
  holders         jsonb not null default '{}',
  primary key (tenant_id, subscription_id)
) with (fillfactor = 50);
call isolate('subscription_permit');
grant select, delete on subscription_permit to trilho_app;
call open_to_worker('subscription_permit', 'select, insert, update');

-- Of deliveries whose last error has these words; null takes all.
alter table replay add column error text;

-- Of its head: the tenant was told that it fails, before somebody had it tried anew.
alter table delivery_lane add column told boolean not null default false;
