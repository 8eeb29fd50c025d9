#!/bin/bash
# postgres.sh start DIR | stop DIR | crash DIR
# A private PostgreSQL cluster, reachable only over a unix socket. The socket
# and the data lie in DIR/run, which must exist and have a short name (a
# socket's path is limited to 107 bytes). `start` after `stop` or `crash` keeps the data.
# DIR/postgres.env then says how to reach it, as its superuser.
set -eu -o pipefail
command=${1:?start, stop or crash}
STATE=$(realpath "${2:?folder}")
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

run=$(realpath "$STATE/run")/pg

# PostgreSQL refuses to run as root; nobody serves as well. Its working
# folder must be one that nobody can enter.
as_user() {
	if [ "$(id -u)" = 0 ]; then
		(cd / && exec setpriv --reuid=nobody --regid=nogroup --clear-groups \
			"${CLEAN[@]}" HOME=/ "$@")
	else
		"${CLEAN[@]}" "$@"
	fi
}

start() {
	local bin
	bin=$(pg_config --bindir 2>/dev/null) || bin=
	[ -x "$bin/initdb" ] ||
		bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	[ -x "$bin/initdb" ] || die "PostgreSQL is not installed (postgresql)"
	mkdir -p "$STATE/log"
	if [ ! -d "$run" ]; then
		mkdir "$run"
		chmod a+x "$STATE/run/"
		[ "$(id -u)" != 0 ] || chown nobody "$run"
		as_user "$bin/initdb" -D "$run/data" -U postgres -A trust -E UTF8 \
			--no-locale --no-sync >"$STATE/log/initdb.log" 2>&1 ||
			die "initdb failed, see $STATE/log/initdb.log"
	fi
	# Nothing here has to outlive a power cut, hence no fsync, unless it is
	# measured: ONS_POSTGRES has more options.
	as_user "$bin/pg_ctl" -D "$run/data" -s -w -t 60 -l "$run/log" -o \
		"-k $run -c listen_addresses= -c unix_socket_permissions=0700 -c fsync=off ${ONS_POSTGRES-}" \
		start || die "PostgreSQL did not start, see $run/log"
	remember postgres "$(head -n 1 "$run/data/postmaster.pid")"
	assign PGHOST "$run" PGPORT 5432 PGUSER postgres PGDATABASE postgres \
		>"$STATE/postgres.env"
}

case $command in
start) start ;;
stop) stop postgres INT ;;
crash) stop postgres QUIT ;;
*) die "start, stop or crash, not $command" ;;
esac
