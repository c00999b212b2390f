-- Authorizations whose end is asked for, tenant by tenant, so that no tenant's many delay another's.
drop index card_authorization_updated_at_idx;
create index on card_authorization (tenant_id, status, updated_at) where status in ('asked', 'pending');
