"""Deliveries taken in per second: ours beside what could be at best, and beside
what people would write instead.

All get the same signed deliveries of 1.5 KB with ids of their own, from load.c
over kept connections, and answer 2xx when one is committed:

- ours: nginx, as it is shipped, and ons-webhook; each becomes a job, too;
- the ceiling: pgbench, as many clients, one delivery a call of event_store();
- nginx and a libfcgi program that answers at once (at_once.c);
- Node: fastify and pg (intake.mjs), of pools of 10 and 32 the better one, and,
  with a pool of 10, behind nginx as ours is.

They take turns on one cluster, each beginning with empty tables. A figure is
the median of some rounds, a ratio the median of the rounds' ratios.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from common import Bench
from conftest import DELIVERIES

CONNECTIONS = (1, 16, 64)
PATH = "/webhooks/openphone"
NUMBER = "@" * 12  # what load.c replaces
BODY = 1500
PROXIED = "nginx and Node, pool of 10"
BURST = 1000
MOST = 40000  # requests a second that load.c prepares


@dataclass
class Result:
    """Of one run; times in ms."""

    rate: float
    p50: float = 0.0
    p99: float = 0.0
    accepted: int = 0
    refused: int = 0


Contender = Callable[[int], Result]


def median(results: list[Result], name: str = "rate") -> float:
    return statistics.median(getattr(one, name) for one in results)


def template() -> str:
    """A message's delivery with places for numbers, as long as it is to be."""
    text = (DELIVERIES / "2026-03-30" / "message.received.json").read_text()
    text = text.replace("EVdt021", f"EV{NUMBER}")
    text = text.replace("ACdtmsg01", f"AC{NUMBER}")
    envelope = json.loads(text)
    message = envelope["data"]["resource"]
    for _ in range(2):
        body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
        message["text"] += " ok" * ((BODY - len(body.encode())) // 3)
    return body


class Load:
    """load.c"""

    def __init__(self, bench: Bench) -> None:
        self.program = bench.compile("load.c", "-lcrypto")
        self.bench = bench
        self.ms = 300 if bench.quick else 1000
        self.template = bench.folder / "delivery.json"
        self.template.write_text(template())

    def send(self, port: int, connections: int, most: int = 0) -> Result:
        done = subprocess.run(
            [self.program, str(port), PATH, str(connections),
             str(most or MOST * self.ms // 1000), str(self.ms),
             self.template], check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "ONS_WEBHOOK_SECRET":
                 self.bench.stack.env["ONS_WEBHOOK_SECRET"]})
        accepted, refused, seconds, p50, p99 = done.stdout.split()
        return Result(int(accepted) / float(seconds), int(p50) / 1000,
                      int(p99) / 1000, int(accepted), int(refused))


def pgbench(bench: Bench, load: Load) -> Contender:
    """The very function, as the very role; ids as load.c makes them. What
    ons-webhook gets out of a delivery is given here."""
    script = bench.folder / "event_store.sql"
    script.write_text(r"""
\set n :n + 1
\set id ((:client_id + 1) * 1000000 + :n) * 387420489 % 1000000000000
SELECT event_store(ARRAY['default'], ARRAY['msg_' || :id::text],
	ARRAY['EV' || :id::text], ARRAY['message.received'], ARRAY['3'],
	ARRAY['message'], ARRAY['AC' || :id::text],
	ARRAY['2026-04-13T10:20:15.342Z'], ARRAY[NULL]::text[],
	ARRAY[replace(:headers, ':NUMBER', :id::text)],
	ARRAY[convert_to(replace(:body, ':NUMBER', :id::text), 'UTF8')],
	ARRAY['t']);
""".replace(":NUMBER", NUMBER))
    headers = json.dumps({
        "content-type": "application/json", "user-agent": "OpenPhone",
        "webhook-id": f"msg_{NUMBER}", "webhook-timestamp": "1776075615",
        "webhook-signature": "v1," + "A" * 43 + "=",
        "remote-addr": "127.0.0.1"})

    def run(clients: int) -> Result:
        done = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients),
             "-j", str(min(clients, 2)), "-T", "1",
             "-D", "n=0", "-D", f"headers={headers}",
             "-D", f"body={load.template.read_text()}", "-f", script],
            check=True, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PGHOST": bench.stack.env["PGHOST"],
                 "PGPORT": bench.stack.env["PGPORT"], "PGDATABASE": "ons",
                 "PGUSER": "ons_webhook"})
        found = re.search(r"^tps = ([\d.]+)", done.stdout, re.MULTILINE)
        assert found, done.stdout
        return Result(float(found[1]))

    return run


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def await_port(port: int) -> None:
    for _ in range(200):
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on {port}")


@contextmanager
def started(*command: object, **options: object) -> Iterator[
        subprocess.Popen[str]]:
    child = subprocess.Popen([str(word) for word in command], text=True,
                             **options)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait()


@contextmanager
def another_nginx(bench: Bench, name: str,
                  change: Callable[[str], str]) -> Iterator[int]:
    """With the configuration of the stack's, changed."""
    folder, stack = bench.folder / name, bench.stack
    shutil.copytree(stack.state / "nginx", folder)
    port = free_port()
    for path in folder.glob("*.conf"):
        text = path.read_text()
        text = text.replace(str(stack.state / "nginx"), str(folder))
        text = text.replace(f"{stack.state / 'log'}", str(bench.folder))
        text = text.replace(stack.url.removeprefix("http://"),
                            f"127.0.0.1:{port}")
        text = text.replace(
            stack.env["ONS_FILES_URL"].removeprefix("http://"),
            f"127.0.0.1:{free_port()}")
        path.write_text(change(text))
    with started("nginx", "-e", "stderr", "-p", folder,
                 "-c", folder / "nginx.conf"):
        await_port(port)
        yield port
    shutil.rmtree(folder)


@contextmanager
def at_once(bench: Bench) -> Iterator[int]:
    """at_once.c behind nginx, without kept connections: libfcgi waits in
    them."""
    sock = bench.folder / "at_once.sock"

    def change(text: str) -> str:
        text = re.sub(r"unix:\S*/webhook\.sock", f"unix:{sock}", text)
        return text.replace("fastcgi_keep_conn on;", "")

    with started(bench.compile("at_once.c", "-lfcgi"), sock), \
            another_nginx(bench, "nginx-at-once", change) as port:
        yield port


@contextmanager
def proxy(bench: Bench, to: int) -> Iterator[int]:
    """A nginx as ours, whose responder speaks HTTP; it keeps connections, too.
    """
    def change(text: str) -> str:
        text = re.sub(r"unix:\S*/webhook\.sock", f"127.0.0.1:{to}", text)
        text = text.replace("include fastcgi_params;", "")
        text = text.replace("fastcgi_keep_conn on;", "proxy_http_version 1.1;"
                            ' proxy_set_header Connection "";')
        text = re.sub(r"fastcgi_pass (?!unix)", "proxy_pass http://", text)
        return re.sub(r"fastcgi_(next_upstream|\w+_timeout)", r"proxy_\1", text)

    with another_nginx(bench, "nginx-proxy", change) as port:
        yield port


@contextmanager
def node(bench: Bench, folder: Path, pool: int) -> Iterator[int]:
    shutil.copy(Path(__file__).with_name("intake.mjs"), folder)
    env = bench.stack.env
    with started("node", "intake.mjs", pool, cwd=folder,
                 stdout=subprocess.PIPE,
                 env={**os.environ, "NODE_ENV": "production",
                      "ONS_WEBHOOK_SECRET": env["ONS_WEBHOOK_SECRET"],
                      "PGHOST": env["PGHOST"], "PGPORT": env["PGPORT"],
                      "PGDATABASE": "ons", "PGUSER": "ons"}) as child:
        assert child.stdout
        yield int(child.stdout.readline())


NODE_TABLE = """
CREATE TABLE bench_node (
	id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	delivery_key text NOT NULL UNIQUE,
	event_id     text,
	type         text,
	resource_id  text,
	occurred_at  timestamptz,
	received_at  timestamptz NOT NULL DEFAULT now(),
	headers      jsonb,
	body         bytea NOT NULL
);
"""


class Intake:
    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.load = Load(bench)
        self.port = int(bench.stack.url.rpartition(":")[2])
        self.accepted = self.stored = 0
        bench.sql(NODE_TABLE)

    def clear(self) -> None:
        self.bench.sql("TRUNCATE event, event_body, job, bench_node;"
                       " CHECKPOINT;", superuser=True)

    def ours(self, connections: int, most: int = 0) -> Result:
        """Each 2xx is looked for: in the ledger, with body and job."""
        result = self.load.send(self.port, connections, most)
        self.accepted += result.accepted
        self.stored += int(self.bench.sql(
            "SELECT count(*) FROM event e JOIN event_body b"
            " ON b.event_id = e.id JOIN job j USING"
            " (workspace, kind, resource_id);"))
        return result

    def sender(self, port: int) -> Contender:
        return lambda connections: self.load.send(port, connections)

    def turns(self, contenders: dict[str, Contender],
              connections: int) -> dict[str, list[Result]]:
        results: dict[str, list[Result]] = {name: [] for name in contenders}
        for _ in range(1 if self.bench.quick else 5):
            for name, contender in contenders.items():
                self.clear()
                results[name].append(contender(connections))
        return results

    def show(self, connections: int, results: dict[str, list[Result]]) -> None:
        ours = results["ours"]
        aimed = connections > 1
        where = f"{connections} connection{'s' * aimed}"

        def against(name: str, others: list[Result], aim: float) -> None:
            ratio = statistics.median(
                mine.rate / other.rate for mine, other in zip(ours, others))
            self.bench.row(
                f"intake, {where}: {name}", f"{median(others):,.0f}/s",
                f"{ratio:.2f}", f">= {aim}" if aim and aimed else "",
                ratio >= aim if aim and aimed else None)

        tail = statistics.median(one.p99 / one.p50 for one in ours)
        self.bench.row(f"intake, {where}: ours", f"{median(ours):,.0f}/s")
        self.bench.row(
            f"intake, {where}: ours, p99 to p50",
            f"{median(ours, 'p99'):.1f} ms, {median(ours, 'p50'):.1f} ms",
            f"{tail:.1f}", "<= 3", tail <= 3)
        against("event_store by pgbench", results["pgbench"], 0.85)
        against("nginx, answered at once", results["at once"], 0)
        pools = [name for name in results if name.startswith("Node")]
        if pools:
            best = max(pools, key=lambda name: median(results[name]))
            p99 = median(results[best], "p99")
            against(f"{best} (p99 {p99:.1f} ms)", results[best], 1.5)
            against(PROXIED, results[PROXIED], 0)

    def burst(self) -> None:
        self.clear()
        result = self.ours(BURST, BURST)
        self.bench.row(
            f"intake, {BURST} connections at once: accepted",
            f"{result.accepted:,}", f"{result.accepted / BURST:.2f}",
            "1.00", result.accepted == BURST)


def measure(bench: Bench) -> None:
    intake = Intake(bench)
    folder = bench.npm(fastify="5.12.8", pg="8.23.1")
    with ExitStack() as others:
        contenders: dict[str, Contender] = {
            "ours": intake.ours,
            "pgbench": pgbench(bench, intake.load),
            "at once": intake.sender(others.enter_context(at_once(bench)))}
        for pool in (10, 32) if folder else ():
            port = others.enter_context(node(bench, folder, pool))
            contenders[f"Node, pool of {pool}"] = intake.sender(port)
            if pool == 10:
                contenders[PROXIED] = intake.sender(
                    others.enter_context(proxy(bench, port)))
        for connections in CONNECTIONS:
            intake.show(connections, intake.turns(contenders, connections))
    intake.burst()
    bench.row("intake: accepted and not stored",
              f"{intake.accepted - intake.stored} of {intake.accepted:,}", "",
              "0", intake.accepted == intake.stored)
