# lib.sh - what the scripts of this folder share: the processes of a private
# stack, remembered so that exactly they can be stopped again.
#
# Sourced with STATE set to the stack's folder, an absolute path. A process
# called NAME is one line in $STATE/pids/NAME: its pid and the time it was
# started (field 22 of /proc/PID/stat), so that a pid which the system has
# given to somebody else since is never taken for ours. Its output is in
# $STATE/log/NAME.log.
# shellcheck shell=bash

# Programs get this environment and nothing else of the caller's: a variable
# such as PGHOST or WEBHOOK_SECRET would win over the configuration file.
CLEAN=(env -i "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" "HOME=$STATE"
	"LANG=C.UTF-8" ${ASAN_OPTIONS:+"ASAN_OPTIONS=$ASAN_OPTIONS"}
	${UBSAN_OPTIONS:+"UBSAN_OPTIONS=$UBSAN_OPTIONS"}
	${ONS_FAILPOINTS:+"ONS_FAILPOINTS=$ONS_FAILPOINTS"})

# die TEXT...: the end, with a reason.
die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# birth PID: when it was started, in clock ticks after boot; nothing when it is
# gone or a zombie. The name in the line may hold blanks and brackets.
birth() {
	sed -n 's/^.*) [^Z] //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f19
}

# remember NAME PID
remember() {
	mkdir -p "$STATE/pids"
	printf '%s %s\n' "$2" "$(birth "$2")" >"$STATE/pids/$1"
}

# pid_of NAME: its pid; fails when it does not run.
pid_of() {
	local pid born
	read -r pid born 2>/dev/null <"$STATE/pids/$1" || return 1
	[ -n "$born" ] && [ "$(birth "$pid")" = "$born" ] && echo "$pid"
}

# launch NAME COMMAND...: in the background, in a session of its own, so that
# neither Ctrl-C nor the end of the terminal reaches it.
launch() {
	local name=$1
	shift
	mkdir -p "$STATE/log"
	setsid "${CLEAN[@]}" "$@" </dev/null >>"$STATE/log/$name.log" 2>&1 &
	remember "$name" $!
}

# stop NAME [SIGNAL]: ask, wait up to ten seconds, then insist.
stop() {
	local pid i
	if pid=$(pid_of "$1"); then
		kill -"${2:-TERM}" "$pid" 2>/dev/null
		for ((i = 0; i < 200; i++)); do
			pid_of "$1" >/dev/null || break
			sleep .05
		done
		! pid_of "$1" >/dev/null || kill -KILL "$pid"
	fi
	rm -f "$STATE/pids/$1"
}

# await SECONDS NAME COMMAND...: until the command succeeds; fails at once when
# the process NAME has ended. The end of its log tells why.
await() {
	local limit=$((SECONDS + $1)) name=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		if ! pid_of "$name" >/dev/null || [ $SECONDS -ge $limit ]; then
			tail -n 15 "$STATE/log/$name.log" >&2
			die "$name did not come up, see $STATE/log/$name.log"
		fi
		sleep .05
	done
}

# free_ports N: that many ports of 127.0.0.1 that nobody listens on, from below
# the range out of which the system serves everybody else.
free_ports() {
	/usr/bin/python3 - "$1" <<'PY'
import random, socket, sys
held = []
while len(held) < int(sys.argv[1]):
    sock = socket.socket()
    try:
        sock.bind(("127.0.0.1", random.randrange(10240, 32768)))
        held.append(sock)
    except OSError:
        sock.close()
print(*[sock.getsockname()[1] for sock in held])
PY
}

# assign NAME VALUE...: shell assignments that any shell reads back the same.
assign() {
	while [ $# -gt 0 ]; do
		printf "export %s='%s'\n" "$1" "${2//\'/\'\\\'\'}"
		shift 2
	done
}
