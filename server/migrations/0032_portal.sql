-- Whom a thing is for, where a tenant has customers of its own: the tenant's own name for one. A subscription of a
-- customer is sent the events of that customer and no others; one of nobody in particular is sent all.
alter table subscription add column customer text check (length(customer) between 1 and 128);
create index on subscription (tenant_id, customer, id) where customer is not null;
alter table event add column customer text;

-- A way in for one customer: a page of their own, for some hours. The page is fetched by the id, which says no more
-- than who may frame it; everything else is asked for with the token, of which the hash is kept.
create table portal_link (
  tenant_id     uuid not null,
  id            uuid not null,
  token_hash    bytea not null,
  customer      text not null,
  environment   text not null check (environment in ('live', 'test')),
  event_types   text[], -- what they may subscribe to; null: anything
  can_edit      boolean not null,
  locale        text check (locale in ('en', 'pt-BR')),
  theme         jsonb not null default '{}',
  frame_origins text[] not null,
  expires_at    timestamptz not null,
  primary key (tenant_id, id)
);
create unique index on portal_link (token_hash);
create unique index on portal_link (id);
create index on portal_link (tenant_id, customer, id);
create index on portal_link (expires_at);
call isolate('portal_link');
grant select, insert, delete on portal_link to trilho_app;
call open_to_gate('portal_link', 'tenant_id, id, token_hash, customer, environment, event_types, can_edit, theme, frame_origins, expires_at');

create function portal_link_by_hash(h bytea) returns table (tenant_id uuid, id uuid, customer text, environment text,
                                                            event_types text[], can_edit boolean, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select tenant_id, id, customer, environment, event_types, can_edit, expires_at
       from public.portal_link where token_hash = h $$;
create function portal_frame(link uuid) returns table (frame_origins text[], logo_url text, expires_at timestamptz)
  language sql stable security definer set search_path = pg_catalog, public as
  $$ select frame_origins, theme ->> 'logo_url', expires_at from public.portal_link where id = link $$;

grant create on schema public to trilho_gate;
alter function portal_link_by_hash(bytea) owner to trilho_gate;
alter function portal_frame(uuid) owner to trilho_gate;
revoke create on schema public from trilho_gate;
revoke execute on function portal_link_by_hash(bytea), portal_frame(uuid) from public;
grant execute on function portal_link_by_hash(bytea), portal_frame(uuid) to trilho_app;
