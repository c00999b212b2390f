-- Of whose account a refund is asked, as a keyed hash: it is not sent again where its connection leads to another one by
-- now, and what is said there of it is not believed. Payments keep theirs beside what is asked, sealed.
alter table refund add column account bytea;

-- How many payments of the day, taken here and not in the provider's list, were not asked for one by one.
alter table reconciliation add column left_out int;
