-- A type has versions, each with a schema of its own, and an event says by which of them it was checked. What is
-- deprecated can still be published, and says what to use instead.
alter table event_type
  add column version       smallint not null default 1 check (version > 0),
  add column deprecated_at timestamptz,
  add column deprecation   text,
  drop constraint event_type_pkey,
  add primary key (tenant_id, name, version);

alter table event add column version smallint not null default 1;
