-- What somebody sends again by hand is wanted however old it is: its age counts from then.
alter table delivery_queue add column renewed_at timestamptz; -- null: from when the delivery was made
