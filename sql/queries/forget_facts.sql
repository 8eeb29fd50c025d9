-- $1 workspace, $2 kind, $3 id: what of its facts may be kept
SELECT facts - '{transcripts,summary,recordings,voicemail}'::text[] AS facts
  FROM resource WHERE (workspace, kind, id) = ($1, $2, $3)
