-- State that is to be folded again, and the proof that nothing is missing.

ALTER TABLE resource ADD COLUMN refold boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN resource.refold IS 'its next job folds all its events again (onsctl replay); what they do not tell is kept';
