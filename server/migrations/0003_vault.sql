-- Envelope encryption. A tenant's data keys are wrapped by the master key, which never enters the database;
-- secrets are sealed by the tenant's newest data key.
create table data_key (
  tenant_id  uuid not null,
  version    int not null,
  wrapped    bytea not null,
  master     text not null, -- fingerprint of the master key that wrapped it
  created_at timestamptz not null default now(),
  primary key (tenant_id, version)
);
call isolate('data_key');
grant select, insert, update on data_key to trilho_app;

create table secret (
  tenant_id  uuid not null,
  owner_id   uuid not null, -- the connection, source, subscription … it belongs to
  field      text not null,
  version    int not null,
  key        int not null,  -- the data key's version
  sealed     bytea not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, owner_id, field)
);
call isolate('secret');
grant select, insert, update, delete on secret to trilho_app;
