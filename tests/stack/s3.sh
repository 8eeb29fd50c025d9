#!/bin/bash
# s3.sh start DIR | stop DIR | list DIR | get DIR KEY
# A private S3 server that checks signatures: OpenStack Swift with its s3api
# and tempauth middleware, one server of each kind on a port of 127.0.0.1, one
# replica, no memcached. DIR/s3.env then holds S3_ENDPOINT, S3_BUCKET, S3_REGION
# and the keys. `list` prints a line an object: size and key.
# DIR must be on a file system with user xattrs (ext4, xfs, btrfs).
set -eu -o pipefail
command=${1:?start, stop, list or get}
STATE=$(realpath "${2:?folder}")
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

swift=$STATE/swift
servers=(account container object proxy)
empty_sha256=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855

# request METHOD PATH [CURL OPTION...]: one signed request. tempauth's access
# keys hold a colon, which curl takes only percent-encoded, in the URL; the URL
# comes from a file, since a command line is anybody's to read.
request() {
	local method=$1 path=$2
	shift 2
	printf 'url = "http://%s:%s@%s%s"\n' "${AWS_ACCESS_KEY_ID/:/%3A}" \
		"$AWS_SECRET_ACCESS_KEY" "${S3_ENDPOINT#http://}" "$path" |
		curl -q -K - -sS --fail -X "$method" "$@" \
			--aws-sigv4 "aws:amz:$S3_REGION:s3" \
			-H "x-amz-content-sha256: $empty_sha256"
}

# server NAME PORT: DIR/swift/NAME.conf up to its pipeline
server() {
	cat >"$swift/$1.conf" <<-CONF
		[DEFAULT]
		bind_ip = 127.0.0.1
		bind_port = $2
		workers = 0
		user = $(id -un)
		swift_dir = $swift
		devices = $swift/devices
		mount_check = false
		fallocate_reserve = 0
		log_address = $swift/no-syslog
		log_level = ERROR
		[pipeline:main]
	CONF
}

configure() { # PORT of account, container, object, proxy; access key's two halves; secret
	local name
	mkdir -p "$swift/devices/d1"
	cat >"$swift/swift.conf" <<-CONF
		[swift-hash]
		swift_hash_path_prefix = private
		swift_hash_path_suffix = stack
		[storage-policy:0]
		name = one
		default = yes
	CONF
	for name in account container object; do
		server "$name" "$1"
		shift
		cat >>"$swift/$name.conf" <<-CONF
			pipeline = $name-server
			[app:$name-server]
			use = egg:swift#$name
		CONF
	done
	server proxy "$1"
	# The cache is asked for by tempauth only; nothing needs to answer there.
	# A server that answers late, when all begin, is not left out for a minute.
	cat >>"$swift/proxy.conf" <<-CONF
		pipeline = catch_errors gatekeeper cache listing_formats s3api tempauth slo dlo proxy-server
		[app:proxy-server]
		use = egg:swift#proxy
		account_autocreate = true
		allow_account_management = true
		error_suppression_limit = 1000000
		[filter:tempauth]
		use = egg:swift#tempauth
		user_$2_$3 = $4 .admin
		[filter:cache]
		use = egg:swift#memcache
		memcache_servers = 127.0.0.1:1
		[filter:s3api]
		use = egg:swift#s3api
		s3_acl = false
		location = $S3_REGION
		dns_compliant_bucket_names = true
	CONF
	for name in catch_errors gatekeeper listing_formats slo dlo; do
		printf '[filter:%s]\nuse = egg:swift#%s\n' $name $name
	done >>"$swift/proxy.conf"
	chmod 600 "$swift/proxy.conf"
}

start() {
	local name pid ports
	command -v swift-proxy-server >/dev/null ||
		die "Swift is not installed (swift-proxy, -account, -container, -object)"
	S3_REGION=auto S3_BUCKET=media
	AWS_ACCESS_KEY_ID=ons:media AWS_SECRET_ACCESS_KEY=$(openssl rand -hex 20)
	rm -rf "$swift"
	read -r -a ports < <(free_ports 4)
	configure "${ports[@]}" ons media "$AWS_SECRET_ACCESS_KEY"
	mkdir -p "$STATE/log"
	while read -r name pid; do
		remember "swift-$name" "$pid"
	done < <("${CLEAN[@]}" /usr/bin/python3 "$(dirname "$0")/servers.py" \
		"$swift" "$STATE/log" "${ports[@]:0:3}" \
		</dev/null 2>>"$STATE/log/swift-proxy.log")
	S3_ENDPOINT=http://127.0.0.1:${ports[3]}
	await 60 swift-proxy request PUT "/$S3_BUCKET" -o "$STATE/log/s3.out"
	(
		umask 077
		assign S3_ENDPOINT "$S3_ENDPOINT" S3_BUCKET "$S3_BUCKET" \
			S3_REGION "$S3_REGION" AWS_ACCESS_KEY_ID "$AWS_ACCESS_KEY_ID" \
			AWS_SECRET_ACCESS_KEY "$AWS_SECRET_ACCESS_KEY" >"$STATE/s3.env"
	)
}

# S3 answers in XML, a thousand objects at a time.
list() {
	local after='' lines
	while
		lines=$(request GET "/$S3_BUCKET?list-type=2&start-after=$after" |
			/usr/bin/python3 -c '
import sys, xml.etree.ElementTree as xml
for entry in xml.parse(sys.stdin).getroot().iterfind("{*}Contents"):
    print(entry.findtext("{*}Size"), entry.findtext("{*}Key"))')
		[ -n "$lines" ]
	do
		printf '%s\n' "$lines"
		after=${lines##* }
		after=${after//\//%2F}
	done
}

case $command in
start) start ;;
stop) for name in "${servers[@]}"; do stop "swift-$name"; done ;;
list | get)
	# shellcheck source=/dev/null
	. "$STATE/s3.env"
	if [ "$command" = list ]; then list; else request GET "/$S3_BUCKET/${3:?key}"; fi
	;;
*) die "start, stop, list or get, not $command" ;;
esac
