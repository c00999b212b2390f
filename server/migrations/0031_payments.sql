-- One model of payments for all providers. Not partitioned: a payment lives for as long as it may be refunded.
create table payment (
  tenant_id     uuid not null,
  id            uuid not null, -- committed before the vendor is asked, and its idempotency key there
  connection_id uuid not null,
  provider      text not null,
  vendor_id     text, -- null until the vendor has told it
  status        text not null check (status in ('processing', 'pending', 'authorized', 'completed', 'failed', 'canceled',
                                                'refunded', 'partially_refunded', 'disputed', 'expired')),
  method        text not null check (method in ('card', 'pix', 'boleto')),
  capture       text not null check (capture in ('automatic', 'manual')),
  amount        bigint not null check (amount > 0), -- minor units, as all amounts
  currency      text not null,
  captured      bigint not null default 0 check (captured >= 0),
  refunded      bigint not null default 0 check (refunded >= 0),
  customer      text,
  description   text,
  metadata      jsonb not null default '{}',
  failure       jsonb,
  request       bytea, -- what the vendor is asked, sealed; gone when its answer is known
  held          boolean not null default false, -- not sent: a person is to look at it first
  sent_at       timestamptz, -- of one that was held: when somebody sent it. Others are sent as they are made
  version       int not null default 1, -- rises with every move
  job_id        uuid, -- the job that asks the vendor what became of it; any other one is out of date
  actor         text not null,
  completed_at  timestamptz,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id)
) with (fillfactor = 80);
create unique index on payment (tenant_id, vendor_id, connection_id) where vendor_id is not null;
create index on payment (tenant_id, connection_id, id);
create index on payment (tenant_id, status, id);
create index on payment (tenant_id, customer, id) where customer is not null;
call isolate('payment');
grant select, insert, update on payment to trilho_app;
call open_to_worker('payment', 'select, update');

-- What made a payment what it is: one row per move, never changed.
create table payment_move (
  tenant_id  uuid not null,
  payment_id uuid not null,
  version    int not null, -- of the payment after it
  status     text not null,
  captured   bigint not null,
  refunded   bigint not null,
  cause      text not null check (cause in ('request', 'risk', 'reply', 'news', 'answer', 'refund')),
  cause_id   text, -- of the call, message, refund or actor, as on the wire
  at         timestamptz not null default now(),
  primary key (tenant_id, payment_id, version)
);
call isolate('payment_move');
grant select, insert on payment_move to trilho_app;
call open_to_worker('payment_move', 'select, insert');

create table refund (
  tenant_id  uuid not null,
  id         uuid not null, -- committed before the vendor is asked, and its idempotency key there
  payment_id uuid not null,
  vendor_id  text,
  status     text not null check (status in ('processing', 'pending', 'completed', 'failed', 'canceled')),
  amount     bigint not null check (amount > 0),
  reason     text,
  failure    jsonb,
  actor      text not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index on refund (tenant_id, payment_id, id);
create unique index on refund (tenant_id, vendor_id, payment_id) where vendor_id is not null;
call isolate('refund');
grant select, insert, update on refund to trilho_app;
call open_to_worker('refund', 'select, update');
