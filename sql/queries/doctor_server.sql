-- the server, and its clock in milliseconds
SELECT current_setting('server_version') AS version, current_user AS role,
       pg_is_in_recovery() AS standby,
       (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS ms
