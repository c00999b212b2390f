-- Every secret that was changed signs until its own overlap ends, not only the last: [{"sealed": base64, "until": timestamp}].
-- `previous_secret_until` is when the last of them ends.
alter table subscription add column previous_secrets jsonb not null default '[]';
update subscription
   set previous_secrets = jsonb_build_array(jsonb_build_object('sealed', encode(previous_secret, 'base64'), 'until', previous_secret_until))
 where previous_secret is not null and previous_secret_until is not null;
alter table subscription drop column previous_secret;
