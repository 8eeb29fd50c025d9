#!/bin/bash
# nginx.sh start DIR | stop DIR
# A private nginx on a free port of 127.0.0.1 that includes the very files which
# the package ships, with the sockets' folder changed to DIR/run and that of the
# media ([media] store = file) to DIR/media. Whatever
# else is asked for goes to ons-webhook too, which knows how to say 404.
# A second server differs in one thing: its ons-portal is one that a test starts
# at DIR/run/files.sock. DIR/nginx.env then holds ONS_URL and ONS_FILES_URL.
set -eu -o pipefail
command=${1:?start or stop}
STATE=$(realpath "${2:?folder}")
# shellcheck source=tests/stack/lib.sh
. "$(dirname "$0")/lib.sh"

top=$(realpath "$(dirname "$0")/../..")
conf=$STATE/nginx
run=$(realpath "$STATE/run")

# As root, the workers would be www-data, who may not open the sockets.
configure() {
	mkdir -p "$conf/tmp"
	sed "s|/run/openphone-notion-sync/|$run/|" \
		"$top/nginx/conf.d/openphone-notion-sync.conf" >"$conf/upstreams.conf"
	sed "s|/var/lib/openphone-notion-sync/media/|$STATE/media/|" \
		"$top/nginx/openphone-notion-sync.conf" >"$conf/locations.conf"
	sed "s|openphone-notion-sync-portal|unix:$run/files.sock|" \
		"$conf/locations.conf" >"$conf/files.conf"
	cp /etc/nginx/fastcgi_params "$conf"
	cat >"$conf/nginx.conf" <<-CONF
		daemon off;
		$([ "$(id -u)" != 0 ] || echo 'user root;')
		worker_processes 2;
		pid $conf/nginx.pid;
		error_log stderr;
		events { worker_connections 4096; }
		http {
			access_log $STATE/log/access.log;
			client_body_temp_path $conf/tmp/body;
			fastcgi_temp_path $conf/tmp/fastcgi;
			proxy_temp_path $conf/tmp/proxy;
			scgi_temp_path $conf/tmp/scgi;
			uwsgi_temp_path $conf/tmp/uwsgi;
			include upstreams.conf;
			server {
				listen 127.0.0.1:$1 backlog=4096;
				include locations.conf;
				location / {
					include fastcgi_params;
					fastcgi_pass unix:$run/webhook.sock;
				}
			}
			server {
				listen 127.0.0.1:$2;
				include files.conf;
			}
		}
	CONF
}

start() {
	local ports
	command -v nginx >/dev/null || die "nginx is not installed (nginx-light)"
	mkdir -p "$STATE/log"
	read -r -a ports < <(free_ports 2)
	configure "${ports[@]}"
	launch nginx nginx -e stderr -p "$conf" -c "$conf/nginx.conf"
	await 20 nginx curl -q -sS -o /dev/null "http://127.0.0.1:${ports[0]}/"
	assign ONS_URL "http://127.0.0.1:${ports[0]}" \
		ONS_FILES_URL "http://127.0.0.1:${ports[1]}" >"$STATE/nginx.env"
}

case $command in
start) start ;;
stop) stop nginx ;;
*) die "start or stop, not $command" ;;
esac
