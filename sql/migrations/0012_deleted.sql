-- What OpenPhone has no longer.

ALTER TABLE page ADD COLUMN withdrawn boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN page.withdrawn IS 'it was put into the trash because OpenPhone has the resource no longer ([sync] deleted); written all the same: a person took it out again';
COMMENT ON COLUMN page.state IS 'intent: a creation may have been sent and its outcome is not known; trashed: a person threw the page away, it stays so, or we did (see withdrawn)';
COMMENT ON COLUMN finding.what IS 'missing: a person removed the page; restored: and put it back; unknown: a page of ours that was not in the table page; doubled: a second page; renamed: OpenPhone''s id was changed on the page; unwritten: it has no page and no job; lost: OpenPhone has it, we had not; outdated: OpenPhone knew more of it; deleted: we have it, OpenPhone has it no longer; returned: and has it again; undelivered: OpenPhone made a delivery that we do not have';
COMMENT ON COLUMN upstream.kind IS 'call, message or contact';

-- What we have of a time is compared with what OpenPhone lists of it.
CREATE INDEX resource_by_creation ON resource
	(workspace, kind, (facts ->> 'createdAt') COLLATE "C");

CREATE OR REPLACE VIEW v_calls AS
SELECT r.workspace, r.id AS call_id, r.outcome,
       r.facts ->> 'direction' AS direction, r.facts ->> 'status' AS status,
       (r.facts ->> 'createdAt')::timestamptz AS created_at,
       (r.facts ->> 'answeredAt')::timestamptz AS answered_at,
       (r.facts ->> 'completedAt')::timestamptz AS completed_at,
       (r.facts ->> 'duration')::numeric AS duration,
       coalesce(r.facts ->> 'from', r.facts #>> '{voicemail,from}') AS from_number,
       coalesce(r.facts ->> 'to', r.facts #>> '{voicemail,to}') AS to_number,
       coalesce(r.facts -> 'external', r.facts -> 'participants') AS participants,
       r.facts ->> 'phoneNumberId' AS phone_number_id,
       r.facts ->> 'userId' AS user_id,
       r.facts ->> 'conversationId' AS conversation_id,
       (SELECT count(*) FROM jsonb_object_keys(coalesce(r.facts -> 'recordings', '{}'))) AS recordings,
       r.facts ? 'voicemail' AS has_voicemail,
       r.facts #>> '{voicemail,transcript}' AS voicemail_text,
       r.facts #> '{summary,summary}' AS summary,
       r.facts #> '{summary,nextSteps}' AS next_steps,
       r.facts -> 'transcripts' AS transcripts,
       p.title, p.page_id, p.url AS page_url, p.state AS page_state,
       cardinality(r.events) AS events, r.changed_at,
       CASE WHEN r.facts -> 'deleted' = 'true'
            THEN (r.times ->> 'deleted')::timestamptz END AS deleted_at
  FROM resource r
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (r.workspace, r.kind, r.id)
 WHERE r.kind = 'call';
COMMENT ON COLUMN v_calls.deleted_at IS 'when it was found, or said, that OpenPhone has it no longer; null: it has it';

CREATE OR REPLACE VIEW v_messages AS
SELECT r.workspace, r.id AS message_id,
       r.facts ->> 'direction' AS direction, r.facts ->> 'status' AS status,
       (r.facts ->> 'createdAt')::timestamptz AS created_at,
       r.facts ->> 'from' AS from_number, r.facts -> 'to' AS to_numbers,
       r.facts ->> 'text' AS text,
       jsonb_array_length(coalesce(r.facts -> 'media', '[]')) AS media,
       r.facts ->> 'errorCode' AS error_code,
       r.facts ->> 'phoneNumberId' AS phone_number_id,
       r.facts ->> 'userId' AS user_id,
       r.facts ->> 'conversationId' AS conversation_id,
       p.title, p.page_id, p.url AS page_url, p.state AS page_state,
       cardinality(r.events) AS events, r.changed_at,
       CASE WHEN r.facts -> 'deleted' = 'true'
            THEN (r.times ->> 'deleted')::timestamptz END AS deleted_at
  FROM resource r
  LEFT JOIN page p ON (p.workspace, p.kind, p.resource_id)
                    = (r.workspace, r.kind, r.id)
 WHERE r.kind = 'message';
COMMENT ON COLUMN v_messages.deleted_at IS 'when it was found, or said, that OpenPhone has it no longer; null: it has it';
