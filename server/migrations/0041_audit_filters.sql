-- The audit log by who did it, by what was done, and by what it was done to.
create index on audit (tenant_id, actor, id);
create index on audit (tenant_id, action, id);
create index on audit (tenant_id, target, id);
