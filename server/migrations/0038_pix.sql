-- What a payment that waits for its payer is paid by and until when, and what refunds of it are asked by.
alter table payment
  add column due_date      text check (due_date ~ '^\d{4}-\d{2}-\d{2}$'),
  add column expires_at    timestamptz, -- when the payer can pay no longer
  add column pix_code      text,        -- of one that waits; gone when it does no longer
  add column settlement_id text;        -- the vendor's id of the money that came, where it is not the payment's (Pix: endToEndId)
create index on payment (tenant_id, settlement_id) where settlement_id is not null;
