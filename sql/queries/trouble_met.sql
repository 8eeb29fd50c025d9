-- $1 workspace, $2 service, $3 part, $4 reason
SELECT news, wait FROM trouble_met($1, $2, $3, $4)
