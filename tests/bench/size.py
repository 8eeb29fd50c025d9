"""How large the programs are, on disk and in memory, and how soon they start.

Memory is the kernel's VmHWM, the most that a process ever had: pages that it
shares with other processes, those of the libraries above all, are within, and
so "its own" (the most of RssAnon) is told beside it.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import deliver
import test_long
import test_media
from common import Bench
from conftest import PSQL, clean_environment
from latency import unlimited

SERVERS = ["-lpq", "-ljansson", "-lcrypto", "-linih", "-lfcgi"]
CLIENTS = ["-lpq", "-ljansson", "-lcrypto", "-linih", "-lcurl"]
LINKS = {"ons-webhook": SERVERS, "ons-portal": SERVERS,
         "ons-process": CLIENTS, "onsctl": [*CLIENTS, "-lsmartcols"]}
CONNECTIONS = 64


# --- on disk, and to start ---

def stripped(bench: Bench, program: str) -> None:
    copy = bench.folder / "stripped"
    subprocess.run(["strip", "-o", copy, bench.programs / program],
                   check=True)
    size = copy.stat().st_size
    bench.row(f"{program}, stripped", f"{size / 1000:.0f} KB",
              aim="<= 300 KB", met=size <= 300_000)


def milliseconds(*command: str | Path, **options: Any) -> float:
    """Of a program that must succeed."""
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return (time.perf_counter() - began) * 1000


def medians(times: int,
            what: dict[str, Callable[[], float]]) -> dict[str, float]:
    """In turns."""
    took: dict[str, list[float]] = {name: [] for name in what}
    for _ in range(times):
        for name, one in what.items():
            took[name].append(one())
    return {name: statistics.median(each) for name, each in took.items()}


def nothing(bench: Bench, program: str) -> Path:
    """A program that does nothing, with the same libraries: they are loaded and
    relocated anyway."""
    floor = bench.compile("nothing.c", "-Wl,--no-as-needed", *LINKS[program])
    return floor.rename(bench.folder / f"nothing-{program}")


def versions(bench: Bench) -> None:
    what = {"/bin/true": lambda: milliseconds("/bin/true")}
    for program in LINKS:
        floor = nothing(bench, program)
        ours = bench.programs / program
        what[program] = lambda p=ours: milliseconds(p, "--version")
        what["nothing-" + program] = lambda p=floor: milliseconds(p)
    took = medians(20 if bench.quick else 100, what)
    for program in LINKS:
        ms, floor = took[program], took["nothing-" + program]
        bench.row(f"{program} --version", f"{ms:.1f} ms",
                  f"{ms / floor:.2f} of its libraries alone", "<= 5 ms",
                  ms <= 5)
    bench.row("/bin/true", f"{took['/bin/true']:.1f} ms")


def cgi(bench: Bench) -> float:
    """A delivery that is stored by a program started for it."""
    stack = bench.stack
    item = deliver.delivery("", stack.load("2026-03-30/message.received",
                                           stack.fresh()))
    headers = {"HTTP_" + name.upper().replace("-", "_"): value
               for name, value in deliver.sign(item, stack.env).items()}
    env = clean_environment(
        ONS_CONFIG=str(stack.config), REQUEST_METHOD="POST",
        REQUEST_URI=deliver.WEBHOOK_PATH, SCRIPT_NAME=deliver.WEBHOOK_PATH,
        CONTENT_TYPE="application/json", CONTENT_LENGTH=str(len(item.body)),
        **headers)
    began = time.perf_counter()
    done = subprocess.run([bench.programs / "ons-webhook"], input=item.body,
                          env=env, capture_output=True, check=True)
    took = (time.perf_counter() - began) * 1000
    assert done.stdout.startswith(b"Status: 200"), done
    return took


def plain_cgi(bench: Bench) -> None:
    """Beside a program that connects and asks for nothing at all."""
    stack = bench.stack
    env = clean_environment(**{name: value for name, value
                               in stack.env.items() if name.startswith("PG")})
    took = medians(10 if bench.quick else 100, {
        "ours": lambda: cgi(bench),
        "psql": lambda: milliseconds(PSQL, "-Xc", "SELECT", env=env)})
    bench.row("delivery by plain CGI", f"{took['ours']:.1f} ms",
              f"{took['ours'] / took['psql']:.2f} of psql -c SELECT",
              "<= 20 ms", took["ours"] <= 20)


# --- in memory ---

def status(pid: int, name: str) -> int:
    """A number of /proc/PID/status: KiB, if it is memory."""
    found = re.search(rf"^{name}:\s+(\d+)",
                      Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found, name
    return int(found[1])


class Watch:
    """The most memory that a process has had when this is left, and the most
    of its own meanwhile."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.own = self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.own = max(self.own, status(self.pid, "RssAnon"))

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self.most = status(self.pid, "VmHWM")

    def __str__(self) -> str:
        return (f"{self.most / 1024:.1f} MiB"
                f" ({self.own / 1024:.1f} its own)")


def floor_of(bench: Bench, program: str) -> int:
    """The memory (KiB) that its libraries alone take."""
    with subprocess.Popen([nothing(bench, program), "here"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as one:
        assert one.stdout and one.stdout.readline() == b"here\n"
        return status(one.pid, "VmHWM")


def responder(bench: Bench) -> None:
    """ons-webhook's one process with all of its threads."""
    stack = bench.stack
    parent = int((stack.state / "pids/webhook").read_text().split()[0])
    [pid] = (int(child) for child in Path(
        f"/proc/{parent}/task/{parent}/children").read_text().split())
    stack.send(stack.load("2026-03-30/message.received", stack.fresh()))
    idle = status(pid, "VmRSS")
    many = [stack.load("2026-03-30/message.received", stack.fresh())
            for _ in range(500 if bench.quick else 5000)]
    with Watch(pid) as load:
        stack.send(*many, connections=CONNECTIONS)
    threads = status(pid, "Threads")
    bench.row("ons-webhook, nearly idle", f"{idle / 1024:.1f} MiB")
    floor = floor_of(bench, "ons-webhook")
    bench.row(f"... with {CONNECTIONS} connections, {threads} threads",
              str(load), f"{load.most / floor:.2f} of its libraries alone",
              "<= 6 MiB", load.most <= 6 * 1024)


def wait(bench: Bench) -> None:
    """Until there is no job left; looking must not cost what is measured."""
    end = time.monotonic() + 600
    while bench.sql("SELECT EXISTS (SELECT FROM job WHERE NOT dead)") == "t":
        assert time.monotonic() < end, "the jobs are not done"
        time.sleep(0.5)


def probes(bench: Bench, count: int) -> None:
    """Jobs that do nothing but begin and end; how fast is another part's."""
    for first in range(0, count, 5000):
        bench.sql("INSERT INTO job (workspace, kind, resource_id)"
                  " SELECT 'default', 'probe', 'bench-' || i"
                  f" FROM generate_series({first}, {first} + 4999) i"
                  f" WHERE i < {count}; NOTIFY ons_job;")
        wait(bench)


def recording(bench: Bench, size: int) -> None:
    stack = bench.stack
    stack.send(test_media.recording(stack, test_media.made(stack, size)))
    wait(bench)


def transcript(bench: Bench, lines: int) -> None:
    stack = bench.stack
    test_long.send(stack, test_long.transcript(stack, stack.fresh(),
                                               lines=lines))
    wait(bench)


def worker(bench: Bench, config: Path, *works: tuple[
        str, Callable[[], None]]) -> None:
    """What a new worker does, one after the other."""
    before = 0
    with test_long.worker(bench.stack, config) as pid:
        for what, work in works:
            with Watch(pid) as watch:
                work()
            bench.row(f"a worker's memory, {what}", str(watch),
                      f"{watch.most / before:.2f}" if before else "",
                      "<= 10 MiB", watch.most <= 10 * 1024)
            before = watch.most


def relaxed(bench: Bench) -> Path:
    """The configuration with rates that keep nobody waiting, and commits that
    wait for no disk: neither matters here."""
    path = unlimited(bench)
    text, n = re.subn(r"^(process *=.*)$",
                      r"\1 options='-c synchronous_commit=off'",
                      path.read_text(), flags=re.MULTILINE)
    assert n == 1
    path.write_text(text)
    return path


def measure(bench: Bench) -> None:
    for program in LINKS:
        stripped(bench, program)
    versions(bench)
    plain_cgi(bench)
    responder(bench)
    bench.sql("DELETE FROM job;")  # nobody wants pages of all these
    config = relaxed(bench)
    many, big, lines = (5000, 30 << 20, 2000) if bench.quick else \
        (100_000, 300 << 20, 20_000)
    worker(bench, config,
           ("1000 jobs", lambda: probes(bench, 1000)),
           (f"{many} jobs", lambda: probes(bench, many)))
    worker(bench, config, (f"recording of {big >> 20} MB",
                           lambda: recording(bench, big)))
    worker(bench, config, (f"transcript of {lines} lines",
                           lambda: transcript(bench, lines)))
