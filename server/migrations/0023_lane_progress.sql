-- How far a lane came. Whoever claims it reads what stands in it by a snapshot that may be older than the lane it locked.
alter table delivery_lane add column through bigint not null default 0;
