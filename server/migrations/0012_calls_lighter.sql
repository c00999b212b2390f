-- A call under load: written twice and never moved.

-- The state again where it is one to look for: refused, failed or unknown. Indexed in place of `state`, so that a call
-- that succeeds changes no indexed column and its update stays on its page, without a new entry in any index.
alter table call add column trouble text check (trouble in ('refused', 'failed', 'unknown'));
update call set trouble = state where state in ('refused', 'failed', 'unknown');
drop index call_tenant_id_state_id_idx;
create index on call (tenant_id, trouble, id) where trouble is not null;

-- Attempts are only read by their call.
alter table call_attempt drop constraint call_attempt_pkey;
drop index call_attempt_tenant_id_call_id_id_idx;
alter table call_attempt add primary key (tenant_id, call_id, id);
