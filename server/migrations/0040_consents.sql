-- A bank of Open Finance gives two tokens: one for what its customer consented to, one for what we do on our own behalf.
alter table connection_token add column purpose text not null default 'own' check (purpose in ('own', 'client'));
alter table connection_token drop constraint connection_token_pkey;
alter table connection_token add primary key (tenant_id, connection_id, purpose);

-- The job that is enqueued when the visitor is back: {kind, payload}.
alter table oauth_state add column afterwards jsonb;

-- What a bank's customer lets us read, and until when. The bank says what becomes of it; here is what it said last.
create table bank_consent (
  tenant_id     uuid not null,
  id            uuid not null, -- committed before the bank is asked
  bank_id       uuid not null,
  connection_id uuid not null,
  user_id       text not null,
  vendor_id     text, -- null until the bank has told it
  state         text not null check (state in ('CREATING', 'AWAITING_AUTHORISATION', 'AUTHORISED', 'REJECTED')),
  permissions   jsonb not null,
  rejection     jsonb, -- {code, by, detail}
  expires_at    timestamptz, -- null: until it is revoked
  authorised_at timestamptz,
  look_at       timestamptz, -- when the bank is to be asked what became of it; null: it is over
  warned_at     timestamptz, -- when its end was told ahead of time
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index on bank_consent (tenant_id, connection_id, vendor_id) where vendor_id is not null;
create index on bank_consent (tenant_id, bank_id, id);
create index on bank_consent (tenant_id, user_id, id);
create index on bank_consent (tenant_id, bank_id, authorised_at) where state = 'AUTHORISED';
create index on bank_consent (expires_at) where state = 'AUTHORISED' and warned_at is null;
create index on bank_consent (look_at) where look_at is not null;
call isolate('bank_consent');
grant select, insert, update, delete on bank_consent to trilho_app;
call open_to_worker('bank_consent', 'select');
