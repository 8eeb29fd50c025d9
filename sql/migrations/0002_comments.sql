-- What every column is, for psql's \d+ (those that 0001 leaves bare).

COMMENT ON COLUMN bucket.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN bucket.service IS 'notion or openphone';
COMMENT ON COLUMN bucket.slot IS 'the current slot, a sixtieth of the window, counted since 1970';
COMMENT ON COLUMN bucket.used IS 'requests in each of the last 60 slots, the current one last';
COMMENT ON COLUMN bucket.reason IS 'why nobody may call';

COMMENT ON COLUMN contact_number.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN contact_number.number IS 'E.164, without blanks and brackets';
COMMENT ON COLUMN contact_number.contact_id IS 'directory.id of the contact';

COMMENT ON COLUMN destination.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN destination.kind IS 'call or message';
COMMENT ON COLUMN destination.database_id IS 'Notion''s id of the database';
COMMENT ON COLUMN destination.data_source_id IS 'the table in it that the pages go to';
COMMENT ON COLUMN destination.read_at IS 'when its columns were last read';

COMMENT ON COLUMN directory.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN directory.kind IS 'user, number (one of ours) or contact';
COMMENT ON COLUMN directory.id IS 'OpenPhone''s id';
COMMENT ON COLUMN directory.name IS 'what people call it';
COMMENT ON COLUMN directory.number IS 'for a number of ours: E.164';
COMMENT ON COLUMN directory.fetched_at IS 'when OpenPhone said so; asked again after a day';

COMMENT ON COLUMN event.id IS 'in the order of arrival, roughly';
COMMENT ON COLUMN event.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN event.event_id IS 'the envelope''s id; several events may share one';
COMMENT ON COLUMN event.type IS 'as OpenPhone names it: call.completed';
COMMENT ON COLUMN event.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN event.received_at IS 'when it was stored';

COMMENT ON COLUMN event_body.event_id IS 'event.id';
COMMENT ON COLUMN event_body.received_at IS 'as in event: it chooses the partition';
COMMENT ON COLUMN event_body.headers IS 'the headers that were kept, as JSON';
COMMENT ON COLUMN event_body.body IS 'the bytes as received';

COMMENT ON COLUMN job.id IS 'number of the job';
COMMENT ON COLUMN job.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN job.kind IS 'call, message or contact';
COMMENT ON COLUMN job.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN job.run_at IS 'not before';
COMMENT ON COLUMN job.attempts IS 'how often it was tried since it last went well';
COMMENT ON COLUMN job.last_error IS 'what the last attempt said';
COMMENT ON COLUMN job.error_kind IS 'what that means: retry, wait, unknown-outcome, operator, permanent';
COMMENT ON COLUMN job.created_at IS 'when the resource fell due';

COMMENT ON COLUMN job_done.finished_at IS 'when it was done';
COMMENT ON COLUMN job_done.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN job_done.kind IS 'call, message or contact';
COMMENT ON COLUMN job_done.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN job_done.attempts IS 'attempts it took';
COMMENT ON COLUMN job_done.due_at IS 'when it had fallen due';

COMMENT ON COLUMN media.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN media.kind IS 'call, message or contact';
COMMENT ON COLUMN media.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN media.state IS 'stored; gone: OpenPhone has it no more; refused: too large, or from a host that is not allowed';
COMMENT ON COLUMN media.reason IS 'why it is not stored';
COMMENT ON COLUMN media.key IS 'name of the object in the bucket';
COMMENT ON COLUMN media.sha256 IS 'digest of the bytes, hexadecimal';
COMMENT ON COLUMN media.size IS 'bytes';
COMMENT ON COLUMN media.type IS 'MIME type';
COMMENT ON COLUMN media.stored_at IS 'when that was settled';

COMMENT ON COLUMN migration.version IS '1, 2, 3 ...';
COMMENT ON COLUMN migration.name IS 'of its file in sql/migrations';
COMMENT ON COLUMN migration.applied_at IS 'when';

COMMENT ON COLUMN page.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN page.kind IS 'call, message or contact';
COMMENT ON COLUMN page.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN page.page_id IS 'Notion''s id; null until it is known';
COMMENT ON COLUMN page.url IS 'where it is';
COMMENT ON COLUMN page.title IS 'as last written';
COMMENT ON COLUMN page.icon IS 'as last written';
COMMENT ON COLUMN page.intent_at IS 'when its creation was last about to be sent';
COMMENT ON COLUMN page.created_at IS 'when it was created';
COMMENT ON COLUMN page.written_at IS 'when it was last written to';

COMMENT ON COLUMN resource.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN resource.kind IS 'call, message or contact';
COMMENT ON COLUMN resource.id IS 'OpenPhone''s id';
COMMENT ON COLUMN resource.outcome IS 'of a call: answered, ai, voicemail, forwarded, missed, no-answer, failed, ringing, in-progress, unknown';
COMMENT ON COLUMN resource.changed_at IS 'when it was last stored';

COMMENT ON COLUMN run.id IS 'what job.lease_by names';
COMMENT ON COLUMN run.host IS 'name of the host and of its pid namespace';
COMMENT ON COLUMN run.pid IS 'of the process';
COMMENT ON COLUMN run.program IS 'lingering or draining (a parent), or worker';
COMMENT ON COLUMN run.started_at IS 'when it began';

COMMENT ON COLUMN usage.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN usage.service IS 'notion or openphone';
COMMENT ON COLUMN usage.day IS 'by the server''s clock';
COMMENT ON COLUMN usage.requests IS 'sent that day';

COMMENT ON COLUMN v_calls.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_calls.call_id IS 'AC...';
COMMENT ON COLUMN v_calls.outcome IS 'how it went (see resource.outcome)';
COMMENT ON COLUMN v_calls.direction IS 'incoming or outgoing, seen from our number';
COMMENT ON COLUMN v_calls.status IS 'as OpenPhone says; it does not tell whether the call was answered';
COMMENT ON COLUMN v_calls.created_at IS 'by OpenPhone''s clock';
COMMENT ON COLUMN v_calls.answered_at IS 'null: nobody answered';
COMMENT ON COLUMN v_calls.completed_at IS 'null: not over, or not said';
COMMENT ON COLUMN v_calls.duration IS 'seconds, ringing included';
COMMENT ON COLUMN v_calls.from_number IS 'who called, where the payload says so';
COMMENT ON COLUMN v_calls.to_number IS 'who was called, where the payload says so';
COMMENT ON COLUMN v_calls.participants IS 'the other parties, or all of them where the payload does not tell';
COMMENT ON COLUMN v_calls.phone_number_id IS 'our number, PN...';
COMMENT ON COLUMN v_calls.user_id IS 'whose call or message it is, US...';
COMMENT ON COLUMN v_calls.conversation_id IS 'CN...';
COMMENT ON COLUMN v_calls.recordings IS 'recorded segments';
COMMENT ON COLUMN v_calls.has_voicemail IS 'a voicemail was left';
COMMENT ON COLUMN v_calls.voicemail_text IS 'its transcript';
COMMENT ON COLUMN v_calls.summary IS 'array of paragraphs';
COMMENT ON COLUMN v_calls.next_steps IS 'array of sentences';
COMMENT ON COLUMN v_calls.transcripts IS 'by recording: {dialogue: [{content, start, end, identifier, userId}]}; of 500 lines and more the dialogue is an array of texts, each the JSON of such an array';
COMMENT ON COLUMN v_calls.title IS 'of the page';
COMMENT ON COLUMN v_calls.page_id IS 'Notion''s id of the page, null until it is known';
COMMENT ON COLUMN v_calls.page_url IS 'where the page is';
COMMENT ON COLUMN v_calls.page_state IS 'intent, written or trashed (see page.state)';
COMMENT ON COLUMN v_calls.events IS 'deliveries folded into it';
COMMENT ON COLUMN v_calls.changed_at IS 'when it was last stored';

COMMENT ON COLUMN v_events.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_events.delivery_id IS 'event.delivery_key';
COMMENT ON COLUMN v_events.event_id IS 'the envelope''s id';
COMMENT ON COLUMN v_events.type IS 'call.completed ...';
COMMENT ON COLUMN v_events.generation IS '1, 2, 3 (see event.generation)';
COMMENT ON COLUMN v_events.kind IS 'call, message, contact, task, integration, other';
COMMENT ON COLUMN v_events.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN v_events.occurred_at IS 'when it happened, by OpenPhone''s clock';
COMMENT ON COLUMN v_events.received_at IS 'when it was stored';
COMMENT ON COLUMN v_events.outcome IS 'done, waiting, failed or kept';
COMMENT ON COLUMN v_events.note IS 'why it was only kept, or what was repaired in it';
COMMENT ON COLUMN v_events.id IS 'event.id';

COMMENT ON COLUMN v_jobs.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_jobs.kind IS 'call, message or contact';
COMMENT ON COLUMN v_jobs.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN v_jobs.state IS 'due, running, waiting (until run_at) or dead';
COMMENT ON COLUMN v_jobs.attempts IS 'since it last went well';
COMMENT ON COLUMN v_jobs.run_at IS 'not before';
COMMENT ON COLUMN v_jobs.last_error IS 'what the last attempt said';
COMMENT ON COLUMN v_jobs.error_kind IS 'retry, wait, unknown-outcome, operator, permanent';
COMMENT ON COLUMN v_jobs.generation IS 'grows with every event';
COMMENT ON COLUMN v_jobs.lease_until IS 'the worker has it until then';
COMMENT ON COLUMN v_jobs.lease_by IS 'run.id of the worker';
COMMENT ON COLUMN v_jobs.priority IS '0 live, 10 re-checks, 20 history';
COMMENT ON COLUMN v_jobs.created_at IS 'when the resource fell due';
COMMENT ON COLUMN v_jobs.id IS 'job.id';

COMMENT ON COLUMN v_links.token IS 'the secret part of the link';
COMMENT ON COLUMN v_links.key IS 'object in the bucket';
COMMENT ON COLUMN v_links.type IS 'MIME type';

COMMENT ON COLUMN v_media.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_media.kind IS 'call, message or contact';
COMMENT ON COLUMN v_media.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN v_media.slot IS 'what it is: recordings/<id>, voicemail, media/<n>';
COMMENT ON COLUMN v_media.state IS 'stored, gone or refused';
COMMENT ON COLUMN v_media.reason IS 'why it is not stored';
COMMENT ON COLUMN v_media.key IS 'object in the bucket';
COMMENT ON COLUMN v_media.size IS 'bytes';
COMMENT ON COLUMN v_media.type IS 'MIME type';
COMMENT ON COLUMN v_media.sha256 IS 'digest of the bytes';
COMMENT ON COLUMN v_media.linked IS 'readers have a link that works';
COMMENT ON COLUMN v_media.stored_at IS 'when that was settled';

COMMENT ON COLUMN v_messages.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_messages.message_id IS 'AC...';
COMMENT ON COLUMN v_messages.direction IS 'incoming or outgoing, seen from our number';
COMMENT ON COLUMN v_messages.status IS 'as OpenPhone says';
COMMENT ON COLUMN v_messages.created_at IS 'by OpenPhone''s clock';
COMMENT ON COLUMN v_messages.from_number IS 'who sent it';
COMMENT ON COLUMN v_messages.to_numbers IS 'array of recipients';
COMMENT ON COLUMN v_messages.text IS 'the text';
COMMENT ON COLUMN v_messages.media IS 'number of attachments';
COMMENT ON COLUMN v_messages.error_code IS 'why it failed, by the carrier';
COMMENT ON COLUMN v_messages.phone_number_id IS 'our number, PN...';
COMMENT ON COLUMN v_messages.user_id IS 'whose call or message it is, US...';
COMMENT ON COLUMN v_messages.conversation_id IS 'CN...';
COMMENT ON COLUMN v_messages.title IS 'of the page';
COMMENT ON COLUMN v_messages.page_id IS 'Notion''s id of the page, null until it is known';
COMMENT ON COLUMN v_messages.page_url IS 'where the page is';
COMMENT ON COLUMN v_messages.page_state IS 'intent, written or trashed (see page.state)';
COMMENT ON COLUMN v_messages.events IS 'deliveries folded into it';
COMMENT ON COLUMN v_messages.changed_at IS 'when it was last stored';

COMMENT ON COLUMN v_pages.workspace IS 'whose it is; ''default'' unless there are several';
COMMENT ON COLUMN v_pages.kind IS 'call or message';
COMMENT ON COLUMN v_pages.resource_id IS 'OpenPhone''s id of the call, message or contact';
COMMENT ON COLUMN v_pages.state IS 'intent, written or trashed (see page.state)';
COMMENT ON COLUMN v_pages.title IS 'as last written';
COMMENT ON COLUMN v_pages.sections IS 'what is on the page, in order';
COMMENT ON COLUMN v_pages.created_at IS 'when it was created';
COMMENT ON COLUMN v_pages.written_at IS 'when it was last written to';
COMMENT ON COLUMN v_pages.latency IS 'from the first delivery to the page''s creation';
COMMENT ON COLUMN v_pages.page_id IS 'Notion''s id';
COMMENT ON COLUMN v_pages.url IS 'where it is';

COMMENT ON FUNCTION job_due IS 'make a resource due without an event';
COMMENT ON FUNCTION bucket_take IS 'one request to a service: 0 = go, else milliseconds to wait';
COMMENT ON FUNCTION partitions_ahead IS 'make event_body''s partitions for the coming weeks';
