-- A day of a provider's payments held against ours, and what differs.
create table reconciliation (
  tenant_id     uuid not null,
  id            uuid not null,
  connection_id uuid not null,
  day           text not null check (day ~ '^\d{4}-\d{2}-\d{2}$'), -- in the tenant's time zone
  starts        timestamptz not null,
  ends          timestamptz not null,
  state         text not null check (state in ('running', 'completed', 'failed')),
  by_clock      boolean not null,
  actor         text not null,
  theirs        int, -- how many the provider listed
  differences   int, -- how many were found
  error         text,
  ended_at      timestamptz,
  primary key (tenant_id, id)
);
create unique index on reconciliation (tenant_id, connection_id, day) where by_clock; -- the clock does each once
create index on reconciliation (tenant_id, connection_id, id);
call isolate('reconciliation');
grant select, insert, update on reconciliation to trilho_app;

-- One row per thing that differs, however often it is found, until somebody ends it.
create table reconciliation_difference (
  tenant_id         uuid not null,
  id                uuid not null,
  reconciliation_id uuid not null, -- which found it last
  connection_id     uuid not null,
  day               text not null,
  kind              text not null check (kind in ('missing_here', 'missing_there', 'status_differs', 'amount_differs',
                                                  'refund_differs')),
  vendor_id         text not null,
  payment_id        uuid,  -- null where it is missing here
  ours              jsonb, -- as it was when they were held against each other
  theirs            jsonb,
  state             text not null check (state in ('open', 'resolved')),
  resolution        text check (resolution in ('refreshed', 'imported', 'accepted', 'gone')),
  resolved_by       text,
  resolved_at       timestamptz,
  note              text,
  primary key (tenant_id, id)
);
create unique index on reconciliation_difference (tenant_id, connection_id, vendor_id, kind) where state = 'open';
create index on reconciliation_difference (tenant_id, state, id);
create index on reconciliation_difference (tenant_id, connection_id, state, id);
create index on reconciliation_difference (tenant_id, connection_id, id);
create index on reconciliation_difference (tenant_id, reconciliation_id, id);
call isolate('reconciliation_difference');
grant select, insert, update on reconciliation_difference to trilho_app;

-- What was taken on a day.
create index on payment (tenant_id, connection_id, completed_at) where completed_at is not null;
