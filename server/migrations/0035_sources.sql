-- What a source is limited by is counted where calls are, under the source's id. A source that is deleted takes it with it.
create trigger drop_guards after delete on source for each row execute function drop_guards();

-- For people: what the address is for.
alter table source add column description text check (length(description) <= 500);
