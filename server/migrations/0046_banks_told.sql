-- What was sent by the contract to connect a bank, keyed and hashed without what may be renewed: sent again it is the same
-- bank. Null: made elsewhere, or changed since.
alter table bank add column contract_key bytea;
create unique index on bank (tenant_id, user_id, contract_key) where contract_key is not null and deleted_at is null;

-- Of a bank that was removed, where its connection stood: what the bank told stays of that world.
alter table bank add column environment text check (environment in ('development', 'staging', 'production'));

-- By what the provider's news names the log-in it is read by, and since when there is such news that no sync has begun for.
alter table bank add column login_id text, add column news_at timestamptz;
create index on bank (tenant_id, login_id) where login_id is not null and deleted_at is null;
alter table bank_sync drop constraint bank_sync_cause_check;
alter table bank_sync add constraint bank_sync_cause_check check (cause in ('asked', 'schedule', 'news'));

-- Whether the bank knows that we ended it; null: there is nothing to tell it.
alter table bank_consent add column revocation text check (revocation in ('pending', 'heard', 'failed'));
create index on bank_consent (tenant_id, connection_id, let_in_at);
