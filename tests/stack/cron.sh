#!/bin/sh
# cron.sh DIR: Debian's cron on a private /etc/cron.d, with a clock that runs
# sixty times as fast: its minute lasts a second. What it starts sees the real
# time. Root only; this process becomes cron, in a mount namespace of its own,
# so that nothing of the system's cron is read or touched.
# DIR/cron.d holds the fragments, owned by root, mode 0644.
set -eu
dir=$(realpath "${1:?folder}")
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1)

if [ "${2-}" != inside ]; then
	exec unshare --mount "$0" "$dir" inside
fi
mkdir -p "$dir/spool"
: >"$dir/crontab"
mount --make-rprivate /
mount --bind "$dir/cron.d" /etc/cron.d
mount --bind "$dir/spool" /var/spool/cron/crontabs
mount --bind "$dir/crontab" /etc/crontab
mount -t tmpfs tmpfs /run # its pid file and lock
# Not by faketime(1), which stays behind as a parent.
exec env LD_PRELOAD="$faketime" FAKETIME='+0 x60' cron -f
