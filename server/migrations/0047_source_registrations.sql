-- The address of a source as its vendor was told it, from before the vendor is asked until it has been untold: so there is
-- something to go on from after a crash, and after the source itself is gone.
create table source_registration (
  tenant_id     uuid not null,
  source_id     uuid not null,
  connection_id uuid not null, -- through which the vendor is told
  provider      text not null,
  state         text not null check (state in ('registering', 'registered', 'failed', 'unregistering')),
  target        jsonb not null, -- what else the vendor wants to know: {pix_key}, {place}
  replace       boolean not null, -- what another set for the same target may be overwritten
  vendor_id     text,
  url           text, -- without the secret that may stand behind it
  error         text,
  asked         boolean not null default false, -- the vendor may have made one, whose answer nobody saw
  version       int not null default 1, -- of what is wanted
  leased_until  timestamptz, -- whoever works on it has until then
  registered_at timestamptz,
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, source_id)
);
call isolate('source_registration');
grant select, insert, update, delete on source_registration to trilho_app;
