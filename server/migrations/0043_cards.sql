-- Cards that an issuer made for a tenant. No number, no security code and no PIN is in any of these tables.
create table card (
  tenant_id     uuid not null,
  id            uuid not null, -- committed before the vendor is asked, and its idempotency key there
  connection_id uuid not null,
  provider      text not null,
  vendor_id     text, -- the vendor's token of it; null until it has told it
  status        text not null check (status in ('processing', 'inactive', 'active', 'blocked', 'canceled', 'failed')),
  reason        text check (reason in ('customer', 'lost', 'stolen', 'fraud', 'vendor')), -- why it is blocked or canceled
  kind          text not null check (kind in ('virtual', 'physical')),
  cardholder    text not null, -- the vendor's id
  customer      text, -- of the tenant, by the tenant's own name
  currency      text not null,
  brand         text,
  last_four     text check (length(last_four) <= 4),
  exp_month     int,
  exp_year      int,
  limits        jsonb not null default '{}',
  shipping      jsonb, -- how the vendor says a physical one is doing
  metadata      jsonb not null default '{}',
  wish          jsonb, -- what the vendor is to make of it, until it has; status, reason and limits
  wish_no       int not null default 0, -- rises with every wish: an answer is that of its own
  failure       jsonb,
  request       bytea, -- what the vendor is asked to issue, sealed; gone when its answer is known
  version       int not null default 1, -- rises with every move
  job_id        uuid, -- the job that settles it; any other one is out of date
  actor         text not null,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id)
) with (fillfactor = 80);
create unique index on card (tenant_id, vendor_id, connection_id) where vendor_id is not null;
create index on card (tenant_id, connection_id, id);
create index on card (tenant_id, status, id);
create index on card (tenant_id, cardholder, id);
create index on card (tenant_id, customer, id) where customer is not null;
call isolate('card');
grant select, insert, update on card to trilho_app;
call open_to_worker('card', 'select, update');

-- What made a card what it is: one row per move, never changed.
create table card_move (
  tenant_id uuid not null,
  card_id   uuid not null,
  version   int not null, -- of the card after it
  status    text not null,
  reason    text,
  cause     text not null check (cause in ('request', 'reply', 'news', 'answer')),
  cause_id  text, -- of the call, message or actor, as on the wire
  at        timestamptz not null default now(),
  primary key (tenant_id, card_id, version)
);
call isolate('card_move');
grant select, insert on card_move to trilho_app;
call open_to_worker('card_move', 'select, insert');

-- A merchant's question whether it may take money, and what became of it.
create table card_authorization (
  tenant_id         uuid not null,
  id                uuid not null,
  card_id           uuid not null,
  connection_id     uuid not null,
  vendor_id         text not null,
  status            text not null check (status in ('asked', 'pending', 'declined', 'closed', 'reversed', 'expired')),
  amount            bigint not null check (amount >= 0), -- held, in minor units of the card's currency, as all amounts
  captured          bigint not null default 0 check (captured >= 0),
  refunded          bigint not null default 0 check (refunded >= 0),
  currency          text not null,
  merchant_amount   bigint,
  merchant_currency text,
  merchant          jsonb not null,
  category          text, -- the merchant's, which limits are about
  method            text,
  wallet            text,
  verification      jsonb not null,
  requests          int not null, -- how often the merchant has asked, answered or not
  vendor_reason     text,
  confirmed         boolean not null default false, -- the vendor has said it too
  made_at           timestamptz not null, -- by the vendor's clock
  told_at           timestamptz not null, -- of the news it is as
  version           int not null default 1,
  updated_at        timestamptz not null default now(),
  primary key (tenant_id, id)
) with (fillfactor = 80);
create unique index on card_authorization (tenant_id, vendor_id, connection_id);
create index on card_authorization (tenant_id, card_id, id);
create index on card_authorization (tenant_id, status, id);
create index on card_authorization (updated_at) where status = 'asked';
call isolate('card_authorization');
grant select, insert, update on card_authorization to trilho_app;
call open_to_worker('card_authorization', 'select, insert, update');

-- What we answered to each question, and why. Asked again it is answered the same.
create table card_decision (
  tenant_id        uuid not null,
  id               uuid not null,
  provider         text not null,
  key              text not null, -- the same whenever the same is asked again
  card_id          uuid, -- null where the card is none of ours
  authorization_id uuid,
  approved         boolean, -- null where nobody knows what was answered
  reason           text not null,
  rule_id          uuid,
  amount           bigint not null,
  currency         text not null,
  elapsed_ms       int not null,
  message_id       text not null,
  decided_at       timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index on card_decision (tenant_id, provider, key);
create index on card_decision (tenant_id, authorization_id, id) where authorization_id is not null;
call isolate('card_decision');
grant select, insert, update on card_decision to trilho_app;
call open_to_worker('card_decision', 'select, insert, update');

-- Money that a merchant took or gave back.
create table card_transaction (
  tenant_id         uuid not null,
  id                uuid not null,
  card_id           uuid not null,
  connection_id     uuid not null,
  authorization_id  uuid, -- null where none was asked for, or it is not known yet
  vendor_authorization_id text,
  vendor_id         text not null,
  kind              text not null check (kind in ('capture', 'refund')),
  amount            bigint not null check (amount >= 0),
  currency          text not null,
  merchant_amount   bigint,
  merchant_currency text,
  merchant          jsonb not null,
  category          text,
  made_at           timestamptz not null,
  primary key (tenant_id, id)
);
create unique index on card_transaction (tenant_id, vendor_id, connection_id);
create index on card_transaction (tenant_id, card_id, id);
create index on card_transaction (tenant_id, authorization_id, id) where authorization_id is not null;
create index on card_transaction (tenant_id, vendor_authorization_id) where authorization_id is null;
call isolate('card_transaction');
grant select, insert, update on card_transaction to trilho_app;
call open_to_worker('card_transaction', 'select, insert, update');

-- A tenant's own rules for what may be authorized: the first that fits decides.
create table card_rule (
  tenant_id   uuid not null,
  id          uuid not null,
  environment text not null check (environment in ('live', 'test')),
  name        text not null,
  position    int not null,
  action      text not null check (action in ('approve', 'decline')),
  conditions  jsonb not null,
  state       text not null default 'enabled' check (state in ('enabled', 'disabled')),
  created_by  text not null,
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index on card_rule (tenant_id, environment, position, id);
call isolate('card_rule');
grant select, insert, update, delete on card_rule to trilho_app;
