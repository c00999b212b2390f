-- People who sign in. A person is the installation's, and so are sessions, links and failures: their rows carry its
-- tenant (all zeros) and are found before a tenant is known. A member is a person's place in one tenant. No foreign key
-- joins the two: a member of a tenant would reach into the rows of another.

create table person (
  tenant_id    uuid not null references tenant (id), -- the installation's
  id           uuid not null,
  email        text not null unique check (length(email) between 3 and 254), -- in lower case
  name         text not null check (length(name) between 1 and 100),
  language     text not null check (language in ('pt-BR', 'en')),
  password     text,                      -- scrypt: its parameters, salt and hash; null: only through a provider
  totp_since   timestamptz,               -- null: no second factor. The secret is in the vault, as this row's
  totp_step    int not null default 0, -- of the last code that was used; none before it is taken again
  signed_in_at timestamptz,
  created_at   timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('person');
grant select, insert, update, delete on person to trilho_app;

-- Who is a member of the installation's own tenant administers all of it.
create table member (
  tenant_id  uuid not null references tenant (id),
  id         uuid not null,
  email      text not null check (length(email) between 3 and 254), -- the one that was invited, in lower case
  person_id  uuid,                        -- null until the invitation is taken
  role       text not null check (role in ('viewer', 'operator', 'developer', 'admin')),
  state      text not null check (state in ('invited', 'active', 'suspended')),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, email)
);
create index on member (person_id);
call isolate('member');
grant select, insert, update, delete on member to trilho_app;

-- The token is in the person's cookie; here is its SHA-256.
create table person_session (
  tenant_id  uuid not null,
  id         uuid not null,
  person_id  uuid not null,
  token_hash bytea not null unique,
  ip         text,
  agent      text,
  created_at timestamptz not null default now(),
  seen_at    timestamptz not null default now(), -- to some minutes
  expires_at timestamptz not null,
  primary key (tenant_id, id)
);
create index on person_session (tenant_id, person_id, id);
create index on person_session (expires_at);
call isolate('person_session');
grant select, insert, update, delete on person_session to trilho_app;

-- One-time links: of the first administrator, of an invitation, of a forgotten password. Deleted by whoever uses them.
create table person_link (
  tenant_id        uuid not null,
  token_hash       bytea not null,
  kind             text not null check (kind in ('first', 'invitation', 'reset')),
  member_tenant_id uuid,                  -- of an invitation
  member_id        uuid,
  person_id        uuid,                  -- of a forgotten password
  drops_totp       boolean not null default false,
  expires_at       timestamptz not null,
  primary key (tenant_id, token_hash)
);
create index on person_link (expires_at);
call isolate('person_link');
grant select, insert, delete on person_link to trilho_app;

-- Attempts to sign in that did not, by the SHA-256 of the e-mail or the address they came from.
create table sign_in_failure (
  tenant_id uuid not null,
  who       bytea not null,
  failures  int not null,
  since     timestamptz not null,
  primary key (tenant_id, who)
);
create index on sign_in_failure (since);
call isolate('sign_in_failure');
grant select, insert, update, delete on sign_in_failure to trilho_app;

call open_to_gate('member', 'tenant_id, id, person_id, role, state');

-- Whom a person may act for. `person` was proven by a session before anybody asks.
create function places_of_person(person uuid)
  returns table (tenant_id uuid, member_id uuid, role text, name text)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select m.tenant_id, m.id, m.role, t.name from public.member m join public.tenant t on t.id = m.tenant_id
      where m.person_id = person and m.state = 'active' order by m.tenant_id $$;

-- Whether anybody holds on to a person still, in whatever state.
create function is_member_somewhere(person uuid) returns boolean
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select exists (select from public.member where person_id = person) $$;

grant create on schema public to trilho_gate;
alter function places_of_person(uuid) owner to trilho_gate;
alter function is_member_somewhere(uuid) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function places_of_person(uuid), is_member_somewhere(uuid) from public;
grant execute on function places_of_person(uuid), is_member_somewhere(uuid) to trilho_app;
