"""Jobs claimed and finished per second, of which each costs next to nothing:
ours (the kind that doctor uses), graphile-worker's and pg-boss's, on the same
cluster, in turns; then ours with a larger backlog, a million finished ones
beside it, and somebody's transaction held open meanwhile."""

from __future__ import annotations

import shutil
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from common import BENCH, Bench
from conftest import PSQL, clean_environment

ROUNDS = 3

OTHERS = {
    "graphile-worker": ("0.18.0", "graphile.mjs"),
    "pg-boss": ("10.4.2", "pgboss.mjs"),
}


def environment(bench: Bench, **more: str) -> dict[str, str]:
    return clean_environment(**{
        name: value for name, value in bench.stack.env.items()
        if name.startswith("PG")} | more)


@contextmanager
def held_transaction(bench: Bench) -> Iterator[None]:
    """What a backup, or a forgotten psql, does: nothing that dies after it
    began can be removed."""
    psql = subprocess.Popen([PSQL, "-XqAt"], env=environment(bench), text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert psql.stdin and psql.stdout
    psql.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;"
                     " SELECT count(*) FROM job;\n")
    psql.stdin.flush()
    psql.stdout.readline()
    try:
        yield
    finally:
        psql.communicate("COMMIT;\n")


def wal(bench: Bench) -> int:
    return int(bench.sql("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"))


def fill(bench: Bench, jobs: int) -> None:
    bench.sql(f"""
        INSERT INTO job (workspace, kind, resource_id, priority)
        SELECT 'default', 'probe', i::text, -10
          FROM generate_series(1, {jobs}) i;
        VACUUM ANALYZE job;""")
    bench.sql("CHECKPOINT", superuser=True)


def drain(bench: Bench, jobs: int, workers: int) -> tuple[float, float]:
    """Jobs a second, from the end of the first to that of the last, for the
    others are measured without their start, too; and bytes of WAL for each."""
    fill(bench, jobs)
    since, before = bench.sql("SELECT now()"), wal(bench)
    bench.stack.run("ons-process", "--drain", "--workers", str(workers))
    written = wal(bench) - before
    left, rate = bench.sql(f"""
        SELECT (SELECT count(*) FROM job),
               count(*) FILTER (WHERE finished_at > first)
               / extract(epoch FROM max(finished_at) - min(first))
          FROM (SELECT finished_at, min(finished_at) OVER () AS first
                  FROM job_done WHERE finished_at > '{since}') d""").split("|")
    assert left == "0"
    return float(rate), written / jobs


def theirs(bench: Bench, folder: Path, script: str, jobs: int) -> float:
    """What the script says: jobs a second, between the first and the last."""
    bench.sql("DROP DATABASE IF EXISTS others", superuser=True)
    bench.sql("CREATE DATABASE others", superuser=True)
    shutil.copy(BENCH / script, folder)
    done = subprocess.run(
        ["node", script, str(jobs)], cwd=folder, check=True, text=True,
        stdout=subprocess.PIPE, timeout=600,
        env=environment(bench, PGUSER="postgres", PGDATABASE="others"))
    return float(done.stdout.split()[-1])


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(ROUNDS))


def compare(bench: Bench, jobs: int) -> float:
    """Ours with one worker; others beside it in the same rounds."""
    folder = bench.npm(pg="8.23.1", **{name: version
                          for name, (version, _) in OTHERS.items()})
    rates: dict[str, list[float]] = {}
    volumes = []
    for _ in range(ROUNDS):
        for workers in (1, 2):
            rate, volume = drain(bench, jobs, workers)
            rates.setdefault(f"ons-process, {workers}", []).append(rate)
            volumes.append(volume)
        for name, (_, script) in OTHERS.items() if folder else ():
            rates.setdefault(name, []).append(
                theirs(bench, folder, script, jobs))
    middle = {name: statistics.median(found) for name, found in rates.items()}
    ours = max(middle["ons-process, 1"], middle["ons-process, 2"])
    for workers in (1, 2):
        bench.row(f"{jobs:,} jobs, {workers} worker(s)",
                  f"{middle[f'ons-process, {workers}']:,.0f}/s")
    for name in OTHERS if folder else ():
        ratio = ours / middle[name]
        least = 1.8 if name == "graphile-worker" else 1.0
        bench.row(f"... {name}", f"{middle[name]:,.0f}/s", f"{ratio:.2f}",
                  f">= {least}", ratio >= least)
    volume = statistics.median(volumes)
    bench.row("... WAL a job", f"{volume:,.0f} B", "", "<= 600 B",
              volume <= 600)
    return middle["ons-process, 1"]


def measure(bench: Bench) -> None:
    bench.fresh_stack()
    jobs = 10_000 if bench.quick else 100_000
    rate = compare(bench, jobs)

    def against(what: str, other: float) -> None:
        ratio = other / rate
        bench.row(what, f"{other:,.0f}/s", f"{ratio:.2f}", ">= 0.9",
                  ratio >= 0.9)

    against(f"{jobs // 10:,} jobs", median(
        lambda: drain(bench, jobs // 10, 1)[0]))
    against(f"{jobs * 10:,} jobs", drain(bench, jobs * 10, 1)[0])
    with held_transaction(bench):
        against(f"{jobs:,} jobs, a transaction held open",
                median(lambda: drain(bench, jobs, 1)[0]))
    bench.sql(f"""
        INSERT INTO job_done (workspace, kind, resource_id, attempts, due_at)
        SELECT 'default', 'call', 'ACdone' || i, 1, now()
          FROM generate_series(1, {jobs * 10}) i;""")
    against(f"{jobs:,} jobs, {jobs * 10:,} finished ones beside",
            median(lambda: drain(bench, jobs, 1)[0]))
