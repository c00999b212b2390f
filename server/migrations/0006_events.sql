-- A fact in our own words. `data` is the JSON text that is signed and sent, kept to the byte.
create table event (
  tenant_id  uuid not null,
  id         uuid not null,
  type       text not null,
  data       text not null,
  entity_id  text,
  message_id uuid, -- the inbox message it came from, where it came from one
  primary key (tenant_id, id)
) partition by range (id);
create index on event (tenant_id, type, id);
call isolate('event');
grant select, insert on event to trilho_app;
call open_to_worker('event', 'select, insert');

-- Types a tenant adds to the catalog that ships with the product.
create table event_type (
  tenant_id   uuid not null references tenant (id),
  name        text not null check (name ~ '^[a-zA-Z0-9_]+(\.[a-zA-Z0-9_]+)*$' and length(name) <= 128),
  description text not null,
  schema      jsonb not null,
  example     jsonb not null,
  created_at  timestamptz not null default now(),
  primary key (tenant_id, name)
);
call isolate('event_type');
grant select, insert, update, delete on event_type to trilho_app;

-- Blind index: found by any id, ours or the vendor's, a CPF or an e-mail, without storing the value.
create table external_id (
  tenant_id  uuid not null,
  value_hmac bytea not null,
  kind       text not null,
  ref_id     uuid not null,
  primary key (tenant_id, value_hmac, ref_id)
) partition by range (ref_id);
call isolate('external_id');
grant select, insert on external_id to trilho_app;
call open_to_worker('external_id', 'select, insert');
