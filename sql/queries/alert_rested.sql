-- no row: people were told within the last minute of what there was to tell
SELECT WHERE NOT EXISTS (SELECT FROM chore
 WHERE (workspace, name) = ('', 'alert')
   AND finished_at > now() - interval '50 seconds')
