#!/bin/bash
# quickstart.sh - openphone-notion-sync at work on this machine (Debian 12).
#
#   quickstart.sh demo                 the whole way of a call, from webhook to
#                                      Notion page, on a private stack
#   quickstart.sh check                build, and run every test
#   quickstart.sh up [--state DIR] [--real] [--bin DIR]
#                                      start the private stack and leave it
#   quickstart.sh down [--state DIR]   stop it
#
# As root or with sudo it installs the Debian packages that are missing, without
# starting any of their services. Everything else happens in this folder, in the
# state folder (default .state) and in one folder under /tmp, on unix sockets
# and free ports of 127.0.0.1.
#
# The private stack: PostgreSQL, nginx with ons-webhook and ons-portal behind
# it, an S3 server (OpenStack Swift), and a sandbox that plays OpenPhone and
# Notion. With --real the two services themselves are used instead; their
# OPENPHONE_API_KEY, NOTION_API_KEY and NOTION_PARENT_PAGE come from the
# environment (also OPENPHONE_API_BASE, NOTION_API_BASE, and S3_ENDPOINT,
# S3_BUCKET, S3_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY if the storage
# is real as well). --bin takes the four programs from a folder and builds nothing.
set -eu -o pipefail

export PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}:/usr/sbin:/sbin"
export HOME="${HOME:-/}" LANG="${LANG:-C.UTF-8}"
unset CDPATH
top=$(cd "$(dirname "$0")" && pwd)
stack=$top/tests/stack

build_packages="build-essential autoconf automake pkg-config libfcgi-dev
	libpq-dev libcurl4-openssl-dev libjansson-dev libssl-dev libinih-dev
	libsmartcols-dev"
stack_packages="postgresql nginx-light swift-proxy swift-account
	swift-container swift-object curl openssl python3"
test_packages="libcmocka-dev python3-pytest python3-pytest-xdist
	python3-hypothesis shellcheck
	mandoc cppcheck cron logrotate jq faketime libfcgi-bin xz-utils
	chromium chromium-driver"

usage() {
	sed -n 's/^#   //p' "$0"
	exit "$1"
}

say() {
	printf '[%3ds] %s\n' "$SECONDS" "$*"
}

# logged NAME COMMAND...: quietly, unless it fails
logged() {
	local name=$1 log=$STATE/log/$1.log
	shift
	if ! "$@" >>"$log" 2>&1 </dev/null; then
		tail -n 25 "$log" >&2
		die "$name: that failed (all of it in $log)"
	fi
}

# --- packages ---------------------------------------------------------------

installed() {
	case $1 in # where other packages serve as well
	nginx-light) command -v nginx >/dev/null ;;
	postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ;;
	pkg-config) command -v pkg-config >/dev/null ;;
	*) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
	esac
}

# Runs by itself, as root. policy-rc.d is Debian's way to say that no service
# may be started meanwhile.
apt_install() {
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		trap 'rm -f $policy' EXIT
		trap 'exit 130' INT TERM HUP
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
	fi
	export DEBIAN_FRONTEND=noninteractive
	apt-get update &&
		apt-get install -y --no-install-recommends --no-remove "$@"
}

packages() {
	local package missing=() root=()
	for package; do
		installed "$package" || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null ||
		die "this is not Debian; needed are: ${missing[*]}"
	say "installing ${#missing[@]} packages: ${missing[*]}"
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null ||
			die "run as root: apt-get install ${missing[*]}"
		root=(sudo)
		sudo -v
	fi
	logged packages "${root[@]}" bash -c \
		"$(declare -f apt_install); apt_install \"\$@\"" apt "${missing[@]}"
}

# --- build ------------------------------------------------------------------

build() {
	cd "$top"
	# a tree that was configured before the tests' library was there has none
	if [ ! -e Makefile ] || { [ "$command" = check ] &&
		grep -q "^HAVE_CMOCKA_TRUE='#'" config.log; }; then
		say "configuring"
		[ -x configure ] || logged build autoreconf -fi
		logged build ./configure
	fi
	say "building"
	logged build make -j"$(nproc)"
	BIN=$top
}

# --- demo -------------------------------------------------------------------

# The command of the cron fragment.
cron_command() {
	local command
	read -r _ _ _ _ _ _ command < <(
		grep ' ons-process' "$top/cron/openphone-notion-sync")
	echo "$command"
}

# Its environment there, but for the path, where this build's programs are.
as_cron() {
	launch processor env -i HOME="$STATE" LOGNAME="$(id -un)" SHELL=/bin/sh \
		PATH="$BIN:/usr/bin:/bin" ONS_CONFIG="$STATE/ons.conf" \
		/bin/sh -c "$(cron_command)"
}

query() {
	psql -X -q -v ON_ERROR_STOP=1 "$@"
}

# settled SECONDS: until no job is left but those that were given up
settled() {
	local left limit=$((SECONDS + $1))
	until left=$(query -Atc "SELECT count(*) FROM v_jobs WHERE state <> 'dead'") &&
		[ "$left" = 0 ]; do
		[ $SECONDS -lt $limit ] || return 1
		sleep .2
	done
}

# What the sandbox counted: pages that exist, requests that it refused.
sandbox_counts() {
	/usr/bin/python3 - "$SANDBOX_URL" <<-'PY'
		import json, sys, urllib.request
		def get(path):
		    with urllib.request.urlopen(sys.argv[1] + path) as answer:
		        return json.load(answer)
		print(len([page for page in get("/notion/pages")
		           if page["data_source_id"] and not page["in_trash"]]),
		      len(get("/stats")["violations"]))
	PY
}

demo() {
	local accepted pages objects refused failed page
	local deliveries=("$top"/tests/deliveries/*/*.json)
	up
	say "starting the processor as cron does: $(cron_command)"
	as_cron
	say "sending ${#deliveries[@]} signed deliveries of all webhook generations"
	"$stack/deliver.py" --env "$STATE/env" "${deliveries[@]}" \
		>"$STATE/log/deliver.log" || tail -n 5 "$STATE/log/deliver.log"
	accepted=$(grep -c '^2' "$STATE/log/deliver.log" || true)
	say "waiting until all of them are on their pages"
	settled 90 || say "some jobs are still unfinished"
	stop processor

	say "pages in Notion:"
	query -P footer=off -P border=1 -c "
		SELECT kind, title, sections,
		       round(extract(epoch FROM latency), 2) AS \"webhook to page, s\"
		  FROM v_pages ORDER BY kind, created_at, resource_id"
	page=$(query -Atc "SELECT resource_id FROM v_pages WHERE kind = 'call'
		ORDER BY length(sections) DESC, resource_id LIMIT 1")
	say "the page of $page:"
	ons onsctl show "$page"
	say "objects in S3:"
	"$stack/s3.sh" list "$STATE" | tee "$STATE/log/objects.log"
	query -P footer=off -P border=1 -c "
		SELECT count(*) AS pages,
		       round(extract(epoch FROM percentile_cont(0.5) WITHIN GROUP
			(ORDER BY latency))::numeric, 2) AS \"webhook to page, median s\",
		       round(extract(epoch FROM max(latency)), 2) AS \"longest s\"
		  FROM v_pages"
	objects=$(wc -l <"$STATE/log/objects.log")
	read -r pages refused < <(sandbox_counts)
	failed=$((${#deliveries[@]} - accepted + refused +
		$(query -Atc "SELECT count(*) FROM v_jobs")))
	[ "$failed" = 0 ] || query -c "
		SELECT kind, resource_id, state, last_error FROM v_jobs"
	down
	echo "demo: $accepted deliveries accepted, $pages pages in Notion," \
		"$objects objects in S3, $failed failed"
	[ "$failed" = 0 ] && [ "$pages" -gt 0 ] && [ "$objects" -gt 0 ]
}

# --- check ------------------------------------------------------------------

# suite TITLE COMMAND...: run it, and note what its last lines say: automake's
# "# PASS: N", pytest's "N passed, …". A command that counts nothing is one
# test, passed or failed.
suite() {
	local title=$1 log p f s rc=0
	log=$STATE/log/$(tr -cs '[:alnum:]\n' - <<<"$1").log
	shift
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	read -r p f s < <(awk '
		/^# PASS:/ { p = $3 } /^# SKIP:/ { s = $3 }
		/^# (FAIL|XPASS|ERROR):/ { f += $3 }
		/^# TOTAL: 0/ { f++ } # tests that were not even built
		/ in [0-9.]+s/ { for (i = 2; i <= NF; i++) {
			if ($i ~ /^passed/) p = $(i - 1)
			if ($i ~ /^skipped/) s = $(i - 1)
			if ($i ~ /^(failed|errors?),?$/) f += $(i - 1) } }
		END { print p + 0, f + 0, s + 0 }' "$log")
	[ $rc = 0 ] || [ "$f" != 0 ] || f=1
	[ $rc != 0 ] || [ $((p + f + s)) != 0 ] || p=1
	[ "$f" = 0 ] || tail -n 60 "$log"
	say "$title: $p passed, $f failed, $s skipped"
	echo "$p $f $s" >>"$STATE/results"
}

# What others get; its own run of the unit tests is not counted again. Programs
# as they are to be were tested before: here the compiler is quicker.
tarball() {
	make -C "$top" -j"$(nproc)" distcheck \
		DISTCHECK_CONFIGURE_FLAGS="CFLAGS='-O0 -U_FORTIFY_SOURCE'" |
		sed 's/^# /## /'
}

# The same sources with sanitizers and fail points, from the tarball.
sanitized() (
	make -C "$top" dist &&
		mkdir -p "$STATE/san" &&
		version=$(sed -n 's/^PACKAGE_VERSION = //p' "$top/Makefile") &&
		tar -xf "$top/openphone-notion-sync-$version.tar.xz" \
			-C "$STATE/san" --strip-components=1 &&
		cd "$STATE/san" &&
		./configure --enable-sanitizers --enable-failpoints \
			--enable-werror CFLAGS='-g -O1' &&
		make -j"$(nproc)"
)

# over_stack FOLDER-OF-TESTS FOLDER-OF-THE-PROGRAMS [PYTEST-ARGUMENT...]
over_stack() (
	cd "$top" &&
		ONS_TEST_BIN=$2 ONS_TEST_STACKS=$STATE/stacks /usr/bin/python3 -m pytest -q -rfEs --durations=20 \
			-p no:cacheprovider "${@:3}" "tests/$1"
)

# beside SUITE...: in the background, in a process group of its own, to be
# interrupted
beside() {
	set -m
	suite "$@" &
	groups+=" $!"
	set +m
}

# What waits much is beside what computes much, from as soon as its programs are
# there; the integration tests have several stacks beside each other, a file of
# them going to one.
check() {
	local passed failed skipped
	mkdir "$STATE/stacks"
	beside "integration" over_stack integration "$top" -n 3 --dist loadfile
	suite "unit tests" make -C "$top" -j"$(nproc)" check
	say "building with sanitizers"
	logged sanitized sanitized
	beside "faults" over_stack faults "$STATE/san"
	beside "integration with sanitizers" over_stack integration \
		"$STATE/san" -m sanitize -n 2 --dist loadfile
	suite "unit tests with sanitizers" \
		make -C "$STATE/san" -j"$(nproc)" check
	suite "the tarball" tarball
	wait
	groups=''
	sed -n '/^experiment /,/^$/p' "$STATE/log/faults.log"
	read -r passed failed skipped < <(awk '
		{ p += $1; f += $2; s += $3 } END { print p, f, s }' "$STATE/results")
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$(wc -l <"$STATE/results")" = 6 ] && [ "$failed" = 0 ]
}

# --- main -------------------------------------------------------------------

command=${1-}
[ $# = 0 ] || shift
STATE=$top/.state real='' BIN='' storage='' groups=''
while [ $# -gt 0 ]; do
	case $command:$1 in
	up:--state | down:--state) STATE=${2:?--state needs a folder} && shift ;;
	up:--bin) BIN=$(cd "${2:?--bin needs a folder}" && pwd) && shift ;;
	up:--real) real=yes ;;
	*) usage 64 >&2 ;;
	esac
	shift
done
case $command in
demo | check) STATE=$(mktemp -d "/tmp/ons-$command.XXXXXX") ;;
up | down) STATE=$(realpath -m "$STATE") ;;
help | --help | -h) usage 0 ;;
*) usage 64 >&2 ;;
esac
# shellcheck source=tests/stack/stack.sh
. "$stack/stack.sh"

# Whatever happens, nothing is left running; what failed leaves its logs.
finish() {
	local rc=$? group left
	trap '' INT TERM HUP
	[ "$command:$rc" != up:0 ] || exit 0
	for group in $groups; do
		kill -- "-$group" || true
		wait "$group" || true
	done
	for left in "$STATE"/stacks/*/; do # of tests that were killed
		[ ! -d "$left" ] || "$0" down --state "$left"
	done
	[ -z "$storage" ] || wait "$storage" || true # still being started
	down
	case $command:$rc in
	demo:0 | check:0 | demo:130 | check:130) rm -rf "$STATE" ;;
	up:130) ;;
	*) die "$command failed; the logs are in $STATE/log" ;;
	esac
}

if [ "$command" = down ]; then
	! is_ours || down
	exit
fi
! stack_runs ||
	die "a stack runs in $STATE already; quickstart.sh down stops it"
claim
trap finish EXIT
trap 'exit 130' INT TERM HUP
if [ -z "$BIN" ]; then
	[ "$command" != check ] || build_packages+=" $test_packages"
	# shellcheck disable=SC2086 # lists of words
	packages $build_packages $stack_packages
	build
fi
$command
[ "$command" != up ] || say "up: its variables are in $STATE/env; what arrives" \
	"gets to Notion by \$ONS_BIN/ons-process"
