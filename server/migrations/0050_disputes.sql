-- What a payer disputes at their bank, as the vendor tells of it.
create table dispute (
  tenant_id       uuid not null,
  id              uuid not null,
  payment_id      uuid not null,
  connection_id   uuid not null,
  provider        text not null,
  vendor_id       text not null,
  status          text not null check (status in ('needs_response', 'under_review', 'won', 'lost', 'closed')),
  is_inquiry      boolean not null, -- the bank asks first; no money has been taken back
  amount          bigint not null,
  currency        text not null,
  reason          text, -- in the vendor's word
  funds           text not null check (funds in ('none', 'withdrawn', 'reinstated')),
  has_evidence    boolean not null default false,
  evidence_due_at timestamptz,
  opened_at       timestamptz, -- by the vendor's clock
  closed_at       timestamptz,
  version         int not null default 1, -- rises with every change
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index on dispute (tenant_id, vendor_id, connection_id);
create index on dispute (tenant_id, payment_id, id);
create index on dispute (tenant_id, status, id);
create index on dispute (tenant_id, connection_id, id);
call isolate('dispute');
grant select, insert, update on dispute to trilho_app;
call open_to_worker('dispute', 'select, insert, update');
