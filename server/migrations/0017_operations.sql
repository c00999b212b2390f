-- Operations that a tenant stores on a connection: a request with places in it, called by name.
create table operation (
  tenant_id     uuid not null,
  connection_id uuid not null,
  name          text not null,
  state         text not null default 'enabled' check (state in ('enabled', 'disabled')),
  method        text not null check (method in ('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE')),
  path          text not null,
  more          jsonb not null, -- query, headers, body, mappings, and how it is to be called
  version       int not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  primary key (tenant_id, connection_id, name),
  foreign key (tenant_id, connection_id) references connection (tenant_id, id) on delete cascade
);
call isolate('operation');
grant select, insert, update, delete on operation to trilho_app;
