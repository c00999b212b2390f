-- Companies' own sign-in (OpenID Connect), of the whole installation: rows carry its tenant. The client's secret is in the
-- vault, as the row's.
create table sign_in_provider (
  tenant_id        uuid not null references tenant (id), -- the installation's
  id               uuid not null,
  name             text not null check (length(name) between 1 and 100),
  issuer           text not null,
  client_id        text not null,
  domains          text[] not null, -- of the e-mails it may speak for
  member_tenant_id uuid not null,   -- where who is new becomes a member
  role             text not null check (role in ('viewer', 'operator', 'developer', 'admin')),
  created_at       timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('sign_in_provider');
grant select, insert, delete on sign_in_provider to trilho_app;

-- Whom a provider means by a subject: an e-mail may change hands, a subject does not.
create table person_identity (
  tenant_id   uuid not null,
  provider_id uuid not null,
  subject     text not null check (length(subject) between 1 and 255),
  person_id   uuid not null,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, provider_id, subject)
);
create index on person_identity (tenant_id, person_id);
call isolate('person_identity');
grant select, insert, delete on person_identity to trilho_app;
