-- $1 workspace, $2 number or id of a contact: the person may come back
SELECT forget_undo($1, $2) AS undone
