-- The try whose outcome nobody saw, where a deferred call is unknown by another than its last.
alter table deferred_call add column unknown_id uuid;
