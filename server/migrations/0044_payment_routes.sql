-- Which connections take a payment that names none, one after another.
create table payment_route (
  tenant_id   uuid not null,
  id          uuid not null,
  name        text not null,
  environment text not null check (environment in ('live', 'test')), -- the world of all its connections
  is_default  boolean not null default false,
  rules       jsonb not null default '[]', -- [{"name", "when", "connection_ids", "next_on"}], the first that fits
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
create unique index on payment_route (tenant_id, environment) where is_default;
call isolate('payment_route');
grant select, insert, update, delete on payment_route to trilho_app;

alter table payment
  add column route_id    uuid,                           -- null: its connection was named
  add column try_number  int not null default 1,         -- which of its connections it is at; connection_id is that one
  add column may_move_on boolean not null default false; -- while whoever sends it has another one to ask

-- Where a payment that was routed was sent: one row per connection, closed when it is sent to the next.
create table payment_try (
  tenant_id     uuid not null,
  payment_id    uuid not null,
  number        int not null,
  connection_id uuid not null,
  provider      text not null,
  state         text not null check (state in ('asked', 'moved_on', 'skipped')),
  failure       jsonb, -- why it took nothing
  call_id       text,  -- as on the wire
  at            timestamptz not null default now(),
  primary key (tenant_id, payment_id, number)
);
call isolate('payment_try');
grant select, insert, update on payment_try to trilho_app;
