-- In place of a code of the second factor, for a phone that was lost: SHA-256 of those that were not used yet.
alter table person add column recovery_codes bytea[] not null default '{}';
