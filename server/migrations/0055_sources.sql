-- What came to each source since it was made, counted as it comes and written every few seconds: a row a source and
-- outcome, whatever becomes of the messages themselves.
create table source_tally (
  tenant_id uuid not null,
  source_id uuid not null, -- no foreign key: what is counted of several sources is written together, one just deleted among them
  outcome   text not null check (outcome in ('received', 'duplicate', 'quarantined')),
  count     bigint not null,
  last_at   timestamptz not null,
  primary key (tenant_id, source_id, outcome)
) with (fillfactor = 70);
call isolate('source_tally');
grant select, delete on source_tally to trilho_app;
call open_to_worker('source_tally', 'select, insert, update');

-- The sources of a connection: shown with it, and asked for when it is deleted.
create index on source (tenant_id, connection_id) where connection_id is not null;
