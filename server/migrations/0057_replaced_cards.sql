-- Which card another one was issued in place of, and why.
alter table card add column replaces uuid;
alter table card add column replacement_reason text check (replacement_reason in ('lost', 'stolen', 'damaged', 'expired'));
create index on card (tenant_id, replaces, id) where replaces is not null;

-- A merchant may take a part of what it asked for: what a rule approves at most, and what was approved; null: all of it.
alter table card_decision add column approved_amount bigint check (approved_amount > 0);
alter table card_rule add column up_to jsonb; -- {amount, currency}: no more than this is approved at once
