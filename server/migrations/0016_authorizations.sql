-- What a connection was given by its vendor to be let in by: the tokens of OAuth 2.0, of a log-in, of a session. They
-- are in the vault, as the secret of this row's id; all processes share them. Whoever renews them claims the row first,
-- asks the vendor with no transaction open, and writes by the version that was seen. A claim that outlives its process
-- ends by itself.
create table connection_token (
  tenant_id     uuid not null,
  connection_id uuid not null,
  id            uuid not null,
  version       int not null default 0, -- 0: nothing was obtained yet
  made_for      int not null default 0, -- version of the connection; not asked of where somebody consented
  state         text not null default 'live' check (state in ('live', 'refused')),
  note          text,                   -- why it was refused, in words
  scope         text,
  expires_at    timestamptz,            -- null: until the vendor refuses it
  renew_at      timestamptz,            -- renewed from then on; of one refused: asked again no earlier
  consented_at  timestamptz,            -- somebody let us in at the vendor's own page
  claim         uuid,
  claimed_until timestamptz,
  primary key (tenant_id, connection_id),
  foreign key (tenant_id, connection_id) references connection on delete cascade
);
create index on connection_token (renew_at) where consented_at is not null and state = 'live';
call isolate('connection_token');
grant select, insert, update, delete on connection_token to trilho_app;
call open_to_worker('connection_token', 'select');

-- A visit to a vendor's page of consent that is under way. The vendor sends the visitor back with the state alone, so
-- it is found by its hash before the tenant is known, and used once.
create table oauth_state (
  tenant_id     uuid not null,
  state_hash    bytea not null,
  connection_id uuid not null,
  verifier      bytea not null, -- PKCE, sealed
  redirect_uri  text not null,
  return_to     text,
  actor         text not null,
  expires_at    timestamptz not null,
  primary key (tenant_id, state_hash),
  foreign key (tenant_id, connection_id) references connection on delete cascade
);
create unique index on oauth_state (state_hash);
create index on oauth_state (tenant_id, expires_at);
call isolate('oauth_state');
grant select, insert, delete on oauth_state to trilho_app;
call open_to_gate('oauth_state', 'tenant_id, state_hash, expires_at');

create function oauth_state_by_hash(h bytea) returns table (tenant_id uuid)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id from public.oauth_state where state_hash = h and expires_at > now() $$;

grant create on schema public to trilho_gate;
alter function oauth_state_by_hash(bytea) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function oauth_state_by_hash(bytea) from public;
grant execute on function oauth_state_by_hash(bytea) to trilho_app;
