-- What a vendor that is well says of itself, beside its status: many answer 200 with {"status": "down"}.
alter table health add column answer jsonb; -- as the filter of a subscription; null: anything
