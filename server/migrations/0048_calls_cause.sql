-- While half open, as many probes at once as the connection says: id to when its process is taken for dead, in epoch
-- milliseconds.
alter table breaker add column probes jsonb not null default '{}';
alter table breaker drop column probe, drop column probe_until;

-- What made a call necessary, where that is not who asked: a message, a schedule, a job; and which call or batch it
-- belongs to. Ids as they are on the wire.
alter table call
  add column cause_kind text,
  add column cause_id   text,
  add column parent_id  text;
create index on call (tenant_id, cause_id, id) where cause_id is not null;
create index on call (tenant_id, parent_id, id) where parent_id is not null;
