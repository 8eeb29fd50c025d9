# stack.sh - the private stack as a whole: up and down.
#
# Sourced by quickstart.sh, with STATE (the stack's folder), BIN (the folder of
# the four programs), real (not empty: no sandbox) and storage (empty) set. Each part leaves
# what others need to know as shell assignments in $STATE/PART.env; together
# they are $STATE/env, which is written last: who finds it, finds all.
# shellcheck shell=bash

stack=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
# shellcheck source=tests/stack/lib.sh
. "$stack/lib.sh"

# ons PROGRAM ARGUMENT...: one of ours, as an operator would start it
ons() {
	local program=$1
	shift
	"${CLEAN[@]}" ONS_CONFIG="$STATE/ons.conf" "$BIN/$program" "$@"
}

sandbox() {
	launch sandbox /usr/bin/python3 "$stack/../sandbox/sandbox.py" \
		--state "$STATE" --record "$STATE/sandbox.ndjson"
	await 20 sandbox test -s "$STATE/sandbox.env"
	world
}

# What webhooks alone do not tell (older ones name no attachments and no
# voicemails): OpenPhone's API has it, so the sandbox has to know.
world() (
	# shellcheck source=/dev/null
	. "$STATE/sandbox.env"
	for file in "$stack"/world/*.json; do
		sed "s|{{MEDIA}}|$SANDBOX_MEDIA|" "$file" |
			curl -q -sS --fail --data-binary @- -o /dev/null \
				"$SANDBOX_URL/openphone/$(basename "$file" .json)"
	done
)

# The real services, from the environment of the caller.
real_services() {
	local name
	for name in OPENPHONE_API_KEY NOTION_API_KEY NOTION_PARENT_PAGE; do
		[ -n "${!name-}" ] || die "up --real needs $name in the environment"
	done
	assign OPENPHONE_API_KEY "$OPENPHONE_API_KEY" \
		OPENPHONE_API_BASE "${OPENPHONE_API_BASE:-https://api.quo.com}" \
		NOTION_API_KEY "$NOTION_API_KEY" \
		NOTION_API_BASE "${NOTION_API_BASE:-https://api.notion.com}" \
		NOTION_PARENT_PAGE "$NOTION_PARENT_PAGE" >"$STATE/sandbox.env"
	[ -z "${S3_ENDPOINT-}" ] || assign S3_ENDPOINT "$S3_ENDPOINT" \
		S3_BUCKET "$S3_BUCKET" S3_REGION "${S3_REGION:-auto}" \
		AWS_ACCESS_KEY_ID "$AWS_ACCESS_KEY_ID" \
		AWS_SECRET_ACCESS_KEY "$AWS_SECRET_ACCESS_KEY" >"$STATE/s3.env"
}

# Everything that the programs need to know, so that $ONS_CONFIG is enough.
configuration() {
	cat <<-CONF
		[database]
		conninfo = host=$PGHOST port=$PGPORT dbname=ons
		webhook = user=ons_webhook
		process = user=ons_process
		portal = user=ons_portal
		owner = user=ons

		[webhook]
		secrets_file = $STATE/webhook.secrets
		legacy_keys = $ONS_LEGACY_KEY
		spool = $STATE/spool

		[openphone]
		api_key = $OPENPHONE_API_KEY
		api_base = $OPENPHONE_API_BASE

		[notion]
		api_key = $NOTION_API_KEY
		api_base = $NOTION_API_BASE
		parent_page = $NOTION_PARENT_PAGE

		[s3]
		endpoint = $S3_ENDPOINT
		bucket = $S3_BUCKET
		region = $S3_REGION
		access_key = $AWS_ACCESS_KEY_ID
		secret_key = $AWS_SECRET_ACCESS_KEY

		[media]
		base_url = $ONS_URL
	CONF
	[ -n "$real" ] || cat <<-CONF
		# the sandbox's media host: plain http, on this machine
		hosts = 127.0.0.1
		allow_http = yes
		allow_private = yes
	CONF
}

# The roles as an administrator makes them, the rest as their owner.
database() {
	psql -X -q -v ON_ERROR_STOP=1 -f "$stack/../../sql/roles.sql" &&
		createdb --owner=ons ons &&
		ons onsctl migrate &&
		ons onsctl init --parent "$NOTION_PARENT_PAGE"
}

# What is in a folder may be removed if it is marked as a stack's.
is_ours() {
	[ -e "$STATE/.stack" ]
}

# Make the folder a stack's, with nothing left of an earlier one.
claim() {
	local name
	mkdir -p "$STATE"
	for name in env log nginx pids run spool swift; do
		is_ours || [ ! -e "$STATE/$name" ] || die "$STATE/$name is not" \
			"of a stack: choose another folder with --state"
	done
	: >"$STATE/.stack"
	down
	rm -rf "$STATE"/{log,sandbox.ndjson}
	mkdir "$STATE/log"
}

# Whether one of the stack's processes is there.
stack_runs() {
	local file
	for file in "$STATE"/pids/*; do
		! pid_of "${file##*/}" >/dev/null || return 0
	done
	return 1
}

up() {
	local file name
	umask 077
	RUN=$(mktemp -d /tmp/ons.XXXXXX) # short: names of sockets are limited
	ln -s "$RUN" "$STATE/run"

	# the caller's settings of psql are not for this stack
	# shellcheck disable=SC2086
	unset ${!PG@}
	if [ -n "$real" ]; then
		real_services
		say "starting PostgreSQL and nginx"
	else
		say "starting PostgreSQL, nginx, S3 and the sandbox"
	fi
	if [ ! -e "$STATE/s3.env" ]; then # by far the slowest, hence meanwhile
		"$stack/s3.sh" start "$STATE" &
		storage=$!
	fi
	[ -n "$real" ] || sandbox
	"$stack/postgres.sh" start "$STATE"
	"$stack/nginx.sh" start "$STATE"
	[ -z "$storage" ] || wait "$storage" || die "the S3 server did not start"
	storage=''
	assign ONS_CONFIG "$STATE/ons.conf" ONS_BIN "$BIN" \
		ONS_WEBHOOK_SECRET "whsec_$(openssl rand -base64 24)" \
		ONS_LEGACY_KEY "$(openssl rand -base64 32)" >"$STATE/ons.env"
	for file in "$STATE"/*.env; do
		# shellcheck source=/dev/null
		. "$file"
	done
	echo "$ONS_WEBHOOK_SECRET" >"$STATE/webhook.secrets"
	configuration >"$STATE/ons.conf"

	say "preparing the database, and the databases in Notion"
	logged database database
	for name in webhook portal; do
		launch $name env ONS_CONFIG="$STATE/ons.conf" \
			"$BIN/ons-$name" -s "$RUN/$name.sock"
		await 20 $name test -S "$RUN/$name.sock"
	done
	await 20 webhook curl -q -sS --fail "$ONS_URL/health"
	assign PGHOST "$PGHOST" PGPORT "$PGPORT" PGUSER ons PGDATABASE ons \
		>"$STATE/postgres.env"
	sed -s 's/^export //; s/^/export /' "$STATE"/*.env >"$STATE/env.new"
	mv "$STATE/env.new" "$STATE/env"
	# shellcheck source=/dev/null
	. "$STATE/env"
}

down() {
	local name
	for name in processor webhook portal nginx sandbox; do
		stop $name
	done
	"$stack/s3.sh" stop "$STATE"
	"$stack/postgres.sh" stop "$STATE"
	[ ! -L "$STATE/run" ] || rm -rf "$(readlink "$STATE/run")" "$STATE/run"
	rm -rf "$STATE"/{env,*.env,ons.conf,webhook.secrets,spool,swift,nginx}
}
