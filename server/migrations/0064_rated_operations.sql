-- Whether any stored operation has limits of its own is asked every minute.
create index on operation (updated_at) where more ? 'rates';
