-- What the search finds by words that others gave: a card by the four digits that are printed on it, an account and a
-- consent by the bank's own ids.
create index on card (tenant_id, last_four, id) where last_four is not null;
create index on bank_account (tenant_id, vendor_id);
create index on bank_consent (tenant_id, vendor_id) where vendor_id is not null;
