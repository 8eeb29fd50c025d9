-- ons-portal looks a link up for its own workspace alone.
CREATE OR REPLACE VIEW v_links AS
SELECT token, key, type, workspace
  FROM media WHERE token IS NOT NULL AND state = 'stored';
COMMENT ON COLUMN v_links.workspace IS 'whose it is; a link of another workspace leads nowhere';

-- A file that Notion has too ([media] link = notion).
ALTER TABLE media
	ADD COLUMN upload_id text,
	ADD COLUMN upload_state text
		CHECK (upload_state IN ('pending', 'uploaded', 'attached', 'refused')),
	ADD COLUMN upload_at timestamptz;
COMMENT ON COLUMN media.upload_id IS 'Notion''s id of the file upload';
COMMENT ON COLUMN media.upload_state IS 'pending: being sent; uploaded: complete, lost unless it is attached within the hour; attached: on its page, for good; refused: Notion does not take it';
COMMENT ON COLUMN media.upload_at IS 'when the upload was begun';

CREATE OR REPLACE VIEW v_media AS
SELECT workspace, kind, resource_id, slot, state, reason, key, size, type,
       sha256, token IS NOT NULL AS linked, stored_at, upload_state
  FROM media;
COMMENT ON COLUMN v_media.upload_state IS 'at Notion itself: pending, uploaded, attached or refused; null: not uploaded';
