-- Mappings with a name, shared by connections, operations and calls.
create table mapping (
  tenant_id   uuid not null,
  name        text not null,
  environment text not null check (environment in ('test', 'live')), -- of who wrote it last
  description text,
  definition  jsonb not null, -- in, out
  version     int not null default 1,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, name)
);
call isolate('mapping');
grant select, insert, update, delete on mapping to trilho_app;

-- Who names one: a connection, or an operation stored on it. None goes while it is named.
create table mapping_use (
  tenant_id     uuid not null,
  connection_id uuid not null,
  operation     text not null default '', -- '' for the connection itself
  mapping       text not null,
  primary key (tenant_id, connection_id, operation),
  foreign key (tenant_id, mapping) references mapping (tenant_id, name),
  foreign key (tenant_id, connection_id) references connection (tenant_id, id) on delete cascade
);
create index on mapping_use (tenant_id, mapping);
call isolate('mapping_use');
grant select, insert, update, delete on mapping_use to trilho_app;

-- What a connection is for, and who made it.
alter table connection
  add column description text,
  add column created_by  text; -- the actor's id on the wire; null where nobody wrote it down
