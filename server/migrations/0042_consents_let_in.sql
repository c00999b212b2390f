-- Whether the person came back with a token, while the bank has not said yet what became of their consent.
alter table bank_consent add column let_in_at timestamptz;
