create table connection (
  tenant_id   uuid not null references tenant (id),
  id          uuid not null,
  provider    text not null,
  name        text not null check (length(name) between 1 and 100),
  environment text not null check (environment in ('development', 'staging', 'production')),
  state       text not null default 'enabled' check (state in ('enabled', 'disabled')),
  settings    jsonb not null,
  version     int not null default 1,
  health      text not null default 'unknown' check (health in ('unknown', 'healthy', 'unhealthy')),
  health_note text,
  last_seen   timestamptz,
  created_at  timestamptz not null default now(),
  updated_at  timestamptz not null default now(),
  primary key (tenant_id, id)
);
call isolate('connection');
grant select, insert, update, delete on connection to trilho_app;
