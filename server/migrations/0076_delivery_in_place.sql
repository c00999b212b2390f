-- A delivery that succeeds changes no indexed column: its update stays on its page, without a new entry in any index.

-- The state again where it is one to look for. Indexed in place of `state`, as the trouble of a call is.
alter table delivery add column trouble text generated always as (case when state in ('failed', 'expired') then state end) stored;
drop index delivery_tenant_id_state_id_idx;
create index on delivery (tenant_id, trouble, id) where trouble is not null;

-- Most are written twice, as they are made and as they are delivered: so that the second has room beside the first.
comment on table delivery is 'fillfactor = 50';

-- What is pending is in the queue, whose key leads to it, or in a line.
create index on delivery_line (tenant_id, delivery_id);
