-- Money that leaves an account of the tenant. It is on record, with the number the bank knows it by, before it is sent.
create table transfer (
  tenant_id     uuid not null,
  id            uuid not null,
  connection_id uuid not null,
  provider      text not null,
  number        int, -- ours, which the bank takes once; null where it is known by our id
  vendor_id     text, -- the bank's id of it; null until it has told it
  status        text not null check (status in
    ('awaiting_approval', 'scheduled', 'pending', 'processing', 'completed', 'failed', 'canceled', 'returned')),
  method        text not null check (method in ('pix', 'ted', 'internal')),
  amount        bigint not null check (amount > 0),
  currency      text not null,
  returned      bigint not null default 0 check (returned >= 0), -- how much came back
  scheduled_for text check (scheduled_for ~ '^\d{4}-\d{2}-\d{2}$'), -- a day in São Paulo
  description   text,
  metadata      jsonb not null default '{}',
  destination   bytea not null, -- where it goes, sealed
  shown         jsonb not null, -- what of that is shown in lists and events
  vendor_word   text, -- how the bank itself calls its state
  receipt       text,
  end_to_end_id text,
  failure       jsonb,
  cancel_asked  boolean not null default false, -- nobody lets it go any more
  sent_at       timestamptz, -- when it was sent, once; null until then
  account       bytea, -- the mark of the account it was sent to: at another it would be another transfer
  actor         text not null, -- who asked for it
  approver      text, -- who let it go, or refused it
  version       int not null default 1, -- rises with every move
  job_id        uuid, -- the job that sends or settles it; any other one is out of date
  completed_at  timestamptz,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id)
) with (fillfactor = 80);
create unique index on transfer (tenant_id, provider, number) where number is not null;
create unique index on transfer (tenant_id, vendor_id, connection_id) where vendor_id is not null;
create index on transfer (tenant_id, connection_id, id);
create index on transfer (tenant_id, status, id);
create index on transfer (tenant_id, method, id);
create index on transfer (tenant_id, end_to_end_id) where end_to_end_id is not null;
call isolate('transfer');
grant select, insert, update on transfer to trilho_app;

-- What made a transfer what it is: one row per move, never changed.
create table transfer_move (
  tenant_id   uuid not null,
  transfer_id uuid not null,
  version     int not null, -- of the transfer after it
  status      text not null,
  vendor_word text, -- the bank's own
  cause       text not null check (cause in ('request', 'approval', 'schedule', 'reply', 'news', 'answer')),
  cause_id    text, -- of the call, message or actor, as on the wire
  at          timestamptz not null default now(),
  primary key (tenant_id, transfer_id, version)
);
call isolate('transfer_move');
grant select, insert on transfer_move to trilho_app;

-- From which amount on a second person has to let a transfer go.
create table transfer_policy (
  tenant_id     uuid not null,
  environment   text not null check (environment in ('live', 'test')),
  approve_above bigint check (approve_above >= 0), -- null: none has to be approved
  updated_by    text not null,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, environment)
);
call isolate('transfer_policy');
grant select, insert, update on transfer_policy to trilho_app;
