-- While a backup holds its snapshot no version of a row goes away, and each change passes by all of them. So what
-- changes with every attempt is a row of its own each minute; those of hours past are added up in the row of '-infinity'.
alter table subscription_counter add column minute timestamptz not null default '-infinity';
alter table subscription_counter drop constraint subscription_counter_pkey;
alter table subscription_counter add primary key (tenant_id, subscription_id, minute);
