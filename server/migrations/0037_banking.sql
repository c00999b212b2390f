-- The banks of a tenant's people, and what they tell. A bank stands on a connection of its own; one that was removed
-- keeps its number and its transactions, and has no connection any more.
create table bank (
  tenant_id       uuid not null,
  id              uuid not null,
  number          int not null, -- among those of the tenant, for the contract of integer ids
  user_id         text not null, -- whose bank it is, in the words of the tenant
  name            text not null,
  bank_code       text not null, -- the ISPB, leading zeros included
  provider        text not null,
  connection_id   uuid,
  owns_connection boolean not null default false, -- made with the bank, and gone with it
  state           text not null default 'active' check (state in ('active', 'inactive', 'error')),
  reason          text, -- of an error, in words
  schedule        text, -- cron, in the tenant's time zone; null: synced when asked alone
  cursor          text, -- of a provider that tells what changed: where its next answer begins
  last_synced_at  timestamptz,
  created_at      timestamptz not null default now(),
  updated_at      timestamptz not null default now(),
  deleted_at      timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, connection_id) references connection (tenant_id, id)
);
create unique index on bank (tenant_id, number);
create index on bank (tenant_id, id) where deleted_at is null;
create index on bank (tenant_id, user_id, id);
create index on bank (tenant_id, state, id) where deleted_at is null;
create index on bank (tenant_id, connection_id) where connection_id is not null;
call isolate('bank');
grant select, insert, update on bank to trilho_app;

-- Amounts are minor units.
create table bank_account (
  tenant_id       uuid not null,
  id              uuid not null,
  bank_id         uuid not null,
  user_id         text not null,
  vendor_id       text not null,
  kind            text not null,
  name            text,
  bank_code       text,
  branch          text,
  number_masked   text,
  currency        text not null,
  available       bigint,
  current         bigint,
  blocked         bigint,
  overdraft_limit bigint,
  balance_at      timestamptz, -- when the bank reckoned it
  opening         bigint, -- what the first balance leaves over after the transactions known then
  drift           bigint, -- by how much the balance has moved since, and no transaction tells why
  read_to         date, -- its transactions are known up to this day
  read_on         date, -- the day on which they were last read, in São Paulo
  gone_at         timestamptz, -- the bank tells of it no more
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index on bank_account (tenant_id, bank_id, vendor_id);
create index on bank_account (tenant_id, bank_id, id);
create index on bank_account (tenant_id, user_id, id);
call isolate('bank_account');
grant select, insert, update on bank_account to trilho_app;

create table bank_transaction (
  tenant_id       uuid not null,
  id              uuid not null, -- ours, which outlives a change of the bank's
  bank_id         uuid not null,
  account_id      uuid not null,
  user_id         text not null,
  vendor_id       text not null,
  ordinal         int not null default 0, -- among equal ones, where the bank gives them no ids
  status          text not null check (status in ('booked', 'pending', 'future')),
  amount          bigint not null, -- minor units, negative where money left
  currency        text not null,
  exact           text, -- the bank's decimals, where they are more than the currency's
  kind            text not null,
  description     text not null,
  at              timestamptz not null,
  day             date not null, -- of `at` in São Paulo
  is_final        boolean not null,
  category        text, -- the tenant's own, which no update touches
  vendor_category text,
  counterparty    jsonb,
  removed_at      timestamptz, -- the bank took it back; it comes back under the same id
  updated_at      timestamptz not null default now(),
  primary key (tenant_id, id)
) with (fillfactor = 90);
create unique index on bank_transaction (tenant_id, account_id, vendor_id, ordinal);
create index on bank_transaction (tenant_id, account_id, at, id);
create index on bank_transaction (tenant_id, bank_id, at, id);
create index on bank_transaction (tenant_id, user_id, at, id);
create index on bank_transaction (tenant_id, at, id);
call isolate('bank_transaction');
grant select, insert, update on bank_transaction to trilho_app;

-- A run: everything a bank tells, read once. Where it stands is written down with what it has read, so that another
-- worker goes on from there.
create table bank_sync (
  tenant_id  uuid not null,
  id         uuid not null,
  bank_id    uuid not null,
  user_id    text not null,
  state      text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'skipped')),
  cause      text not null check (cause in ('asked', 'schedule')),
  batch_id   uuid, -- of all that one request asked for
  position   jsonb not null default '{}',
  imported   int not null default 0,
  updated    int not null default 0,
  skipped    int not null default 0, -- known before, and the same
  removed    int not null default 0,
  error      text,
  message    text,
  started_at timestamptz,
  ended_at   timestamptz,
  primary key (tenant_id, id)
);
create unique index bank_sync_open on bank_sync (tenant_id, bank_id) where state in ('queued', 'running');
create index on bank_sync (tenant_id, bank_id, id);
create index on bank_sync (tenant_id, user_id, id) where batch_id is not null;
call isolate('bank_sync');
grant select, insert, update on bank_sync to trilho_app;

-- What a run has read of an account and not compared yet: rows that vanish are known by the whole alone.
create table bank_sync_page (
  tenant_id uuid not null,
  sync_id   uuid not null,
  page      int not null,
  items     text not null, -- JSON
  primary key (tenant_id, sync_id, page)
);
call isolate('bank_sync_page');
grant select, insert, delete on bank_sync_page to trilho_app;

create table bank_sync_queue (
  tenant_id uuid not null,
  id        uuid not null, -- of the run
  user_id   text not null,
  due       timestamptz not null,
  claim     uuid,
  begun     boolean not null default false, -- under way, and no more than a few of one person's are
  attempts  smallint not null default 0,
  primary key (tenant_id, id)
);
create index on bank_sync_queue (due);
create index on bank_sync_queue (tenant_id, user_id);
call isolate('bank_sync_queue');
grant select, insert, update, delete on bank_sync_queue to trilho_app;
call open_to_worker('bank_sync_queue', 'select, update, delete');
