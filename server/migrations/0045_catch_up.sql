-- Up to when the events that a vendor kept were read, beside those it told by webhooks.
create table source_catch_up (
  tenant_id  uuid not null,
  source_id  uuid not null,
  seen_until timestamptz, -- by the vendor's clock: all before it was taken in
  job_id     uuid,        -- the job at work; null: none
  began_at   timestamptz,
  ended_at   timestamptz,
  read       int not null default 0, -- of the last run: how many the vendor listed
  added      int not null default 0, -- how many of them had not come by webhook
  error      text,
  primary key (tenant_id, source_id)
);
call isolate('source_catch_up');
grant select, insert, update on source_catch_up to trilho_app;
