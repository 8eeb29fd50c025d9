"""Calls with all parts (recording, transcript, summary) to pages.

First with services that answer at once and limits that are never reached: an
nginx with canned answers plays Notion, the storage and the host of the
recordings; names are known already.  Then against the sandbox at the real
limit: how much of it is used, and by how many requests for a page.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import common
from conftest import Stack, asked, children, share_used, until

PARTS = ("call.completed", "call.recording.completed",
         "call.summary.completed", "call.transcript.completed")

# Notion's ids are UUIDs, and nginx has 16 random bytes for each request.
CANNED = r"""
daemon off;
pid {folder}/canned.pid;
error_log {folder}/canned.log;
{user}
events {{ worker_connections 1024; }}
http {{
	access_log off;
	client_body_temp_path {folder}/body;
	client_body_buffer_size 1m;
	client_max_body_size 10m;
	keepalive_requests 1000000;
	map $request_id $uuid {{
		"~^(?<a>.{{8}})(?<b>.{{4}})(?<c>.{{4}})(?<d>.{{4}})(?<e>.*)$"
			$a-$b-$c-$d-$e;
	}}
	server {{
		listen 127.0.0.1:{port};
		default_type application/json;
		location = /v1/pages {{
			return 200 '{{"object":"page","id":"$uuid","url":"https://notion.example/$request_id"}}';
		}}
		location /gen/ {{
			default_type audio/mpeg;
			try_files /recording.mp3 =500;
			root {folder};
		}}
		location /media/ {{
			add_header ETag '"0"';
			return 200;
		}}
		location / {{
			return 500 '{{"code":"not_canned"}}';
		}}
	}}
}}
"""


class Canned:
    """The nginx that plays the services."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        (folder / "recording.mp3").write_bytes(bytes(48000))
        (folder / "nginx.conf").write_text(CANNED.format(
            folder=folder, port=self.port,
            user="user root;" if os.getuid() == 0 else ""))
        self.child = subprocess.Popen(
            ["nginx", "-p", folder, "-c", folder / "nginx.conf"],
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        until(self.answers)

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self.child.terminate()
        self.child.wait()


def deliver_calls(stack: Stack, count: int, media: str | None = None) -> None:
    """So many calls, each with all its parts."""
    found = stack.env["SANDBOX_MEDIA"]
    stack.env["SANDBOX_MEDIA"] = media or found
    try:
        parts = [stack.load(f"2026-03-30/{part}", fresh)
                 for fresh in (stack.fresh() for _ in range(count))
                 for part in PARTS]
    finally:
        stack.env["SANDBOX_MEDIA"] = found
    stack.send(*parts, connections=16)


def used_by(pid: int) -> float:
    """Seconds of CPU of a process and of its children, past and present."""
    def seconds(one: int, last: int) -> float:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2]
        return sum(map(int, fields.split()[11:last])) / os.sysconf(
            "SC_CLK_TCK")
    return seconds(pid, 15) + sum(seconds(one, 13) for one in children(pid))


class Spent:
    """What the database and the processes spend from now on."""

    def __init__(self, bench: common.Bench) -> None:
        self.bench = bench
        self.postmaster = int((bench.stack.state / "pids/postgres")
                              .read_text().split()[0])
        self.before = self.now()

    def now(self) -> dict[str, float]:
        figures = self.bench.sql(
            "SELECT pg_stat_force_next_flush(); SELECT xact_commit || ' ' ||"
            " (SELECT wal_bytes || ' ' || wal_sync FROM pg_stat_wal)"
            " FROM pg_stat_database WHERE datname = current_database()")
        commits, wal, syncs = figures.split()[-3:]
        usage = os.times()
        return {"seconds": time.monotonic(), "commits": float(commits),
                "wal": float(wal), "syncs": float(syncs),
                "postgres": used_by(self.postmaster),
                "process": usage.children_user + usage.children_system}

    def each(self, count: int) -> dict[str, float]:
        after = self.now()
        return {name: (after[name] - value) / count
                for name, value in self.before.items()}


def at_once(bench: common.Bench, canned: Canned, workers: int, count: int,
            ) -> float:
    stack = bench.stack
    config = stack.variant(
        bench.folder, notion__rate="1000000", openphone__rate="100000",
        notion__api_base=canned.url, s3__endpoint=canned.url)
    deliver_calls(stack, count, canned.url)
    before = pages(bench)
    spent = Spent(bench)
    stack.run("ons-process", "--drain", "--workers", str(workers),
              config=config)
    each = spent.each(count)
    assert pages(bench) - before == count, bench.sql(
        "SELECT DISTINCT last_error FROM job")
    bench.row(f"pages, {workers} worker{'s' * (workers > 1)}",
              f"{1 / each['seconds']:.0f}/s")
    bench.row("  CPU of a page: ons-process, PostgreSQL",
              f"{each['process'] * 1000:.1f} + {each['postgres'] * 1000:.1f}"
              " ms")
    bench.row("  transactions, syncs, WAL of a page",
              f"{each['commits']:.1f}, {each['syncs']:.1f},"
              f" {each['wal'] / 1024:.1f} KiB")
    return 1 / each["seconds"]


def pages(bench: common.Bench) -> int:
    return int(bench.sql("SELECT count(*) FROM page WHERE state = 'written'"))


def at_the_limit(bench: common.Bench) -> None:
    """Notion's usual limit, for two minutes."""
    stack = bench.stack
    limit, window = 180, 60
    count = 20 if bench.quick else 3 * limit
    config = stack.variant(bench.folder, notion__rate=str(limit),
                           openphone__rate="100000")
    stack.control("POST", "/limits", {
        "notion": {"limit": limit, "window": window},
        "openphone": {"limit": 1000000, "window": 1}})
    deliver_calls(stack, count)
    begin = Path(stack.env["SANDBOX_RECORD"]).stat().st_size
    child = stack.start("ons-process", "--drain", "--workers", "2",
                        config=config, stdout=None, stderr=None)
    assert child.wait(timeout=600) == 0
    requests = asked(stack, "notion", begin)
    if not bench.quick:
        share = share_used([at for at, _ in requests], limit, window)
        bench.row("share of Notion's rate used", f"{share:.3f}", aim="0.97",
                  met=share >= 0.97)
    each = len(requests) / count
    refused = sum(one["status"] == 429 for _, one in requests)
    bench.row("requests to Notion for a settled call", f"{each:.3f}",
              f"{refused} refused", "1.0", each <= 1.001)


def measure(bench: common.Bench) -> None:
    stack = bench.fresh_stack()
    deliver_calls(stack, 1)
    stack.process()  # names, databases
    canned = Canned(bench.folder / "canned")
    try:
        for workers in (1, 2, 4):
            at_once(bench, canned, workers, 50 if bench.quick else 400)
    finally:
        canned.stop()
    at_the_limit(bench)
