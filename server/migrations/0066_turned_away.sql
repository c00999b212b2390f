-- What a source turned away unread, by its method, address, rate, size or token, is counted with what came to it.
alter table source_tally
  drop constraint source_tally_outcome_check,
  add constraint source_tally_outcome_check check (outcome in ('received', 'duplicate', 'quarantined', 'refused'));
