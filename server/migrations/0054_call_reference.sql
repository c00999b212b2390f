-- The vendor's own id of a call, by which its support finds it. Without an index: it leads to the call as other ids do,
-- through external_id.
alter table call add column external_reference text;
