-- Whoever was told that a delivery fails is told when it comes through after all, however few attempts its schedule has.
alter table delivery add column told boolean not null default false; -- of its failure, and of nothing since
alter table delivery_queue add column told boolean not null default false;
