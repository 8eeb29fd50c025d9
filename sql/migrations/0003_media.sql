-- ons-portal looks a link up for its own workspace alone.
CREATE OR REPLACE VIEW v_links AS
SELECT token, key, type, workspace
  FROM media WHERE token IS NOT NULL AND state = 'stored';
COMMENT ON COLUMN v_links.workspace IS 'whose it is; a link of another workspace leads nowhere';
