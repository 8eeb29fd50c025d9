"""The job table as a queue: what is claimed, finished, and read for it."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from conftest import PSQL, TOP, Stack, psql, until

NEXT = ("SELECT * FROM job_next({run}, '60 s', 'queue', '{{}}', '{{}}', {n},"
        " {priority}, -32768, '-infinity', 0)")
ANY = {"n": 1, "priority": 32767}
MANY = {"n": 200, "priority": -10}


@pytest.fixture(autouse=True)
def own_workspaces(stack: Stack) -> Iterator[None]:
    yield
    psql(stack.env, "DELETE FROM job WHERE workspace IN ('queue', 'another')")


def put(stack: Stack, jobs: int, kind: str, priority: int,
        workspace: str = "queue") -> None:
    psql(stack.env,
         "INSERT INTO job (workspace, kind, resource_id, priority)"
         f" SELECT '{workspace}', '{kind}', 'queue-' || i, {priority}"
         f"   FROM generate_series(1, {jobs}) i")


def pages_read(stack: Stack, statement: str) -> int:
    """Of tables and indexes; the least of several times, for plans are made
    anew after each ANALYZE of autovacuum's, and read the catalog."""
    again = f"""SAVEPOINT a; EXPLAIN (ANALYZE, BUFFERS, TIMING OFF) {statement};
                ROLLBACK TO a;"""
    plans = psql(stack.env, f"BEGIN; {again * 5} ROLLBACK;")
    found = re.findall(r"Function Scan.*\n  Buffers: shared hit=(\d+)"
                       r"(?: read=(\d+))?", plans)
    assert len(found) == 5, plans
    return min(int(hit) + int(read or 0) for hit, read in found)


@pytest.mark.parametrize("analyzed", [False, True])
def test_a_claim_reads_what_it_takes(stack: Stack, analyzed: bool) -> None:
    """However many are due, in whichever workspace, and whatever the
    statistics say of how many."""
    put(stack, 100, "call", 0)
    psql(stack.env, "DELETE FROM job; ANALYZE job")
    put(stack, 20000, "call", 0, "another")
    put(stack, 30000, "call", 0)
    put(stack, 1000, "probe", -10)
    if analyzed:
        psql(stack.env, "ANALYZE job")
    assert pages_read(stack, NEXT.format(run=-1, **ANY)) < 100
    assert pages_read(stack, NEXT.format(run=-1, **MANY)) < 4000
    ids = [line.split("|")[0] for line in psql(
        stack.env, NEXT.format(run=-1, **MANY)).splitlines()]
    finish = (f"SELECT * FROM job_finish(-1, ARRAY[{','.join(ids)}],"
              f" ARRAY[{','.join('1' for _ in ids)}])")
    assert pages_read(stack, finish) < 6000
    psql(stack.env, "DELETE FROM job WHERE kind = 'probe'"
                    " AND workspace = 'queue'")
    assert pages_read(stack, NEXT.format(run=-1, **MANY)) < 4000


def test_what_came_meanwhile_is_not_finished(stack: Stack) -> None:
    """Of three that were claimed together, an event came in for one, and the
    lease of another ran out."""
    put(stack, 3, "probe", -10)
    claimed = [int(line.split("|")[0]) for line in psql(
        stack.env, NEXT.format(run=-1, **MANY)).splitlines()]
    done, again, lost = sorted(claimed)
    psql(stack.env, f"""
        UPDATE job SET generation = 2 WHERE id = {again};
        UPDATE job SET lease_by = -2 WHERE id = {lost};
        SELECT job_finish(-1, '{{{done},{again},{lost}}}', '{{1,1,1}}');""")
    assert stack.rows("SELECT id, lease_by, attempts FROM job"
                      " WHERE workspace = 'queue' ORDER BY id") == [
        {"id": again, "lease_by": None, "attempts": 0},
        {"id": lost, "lease_by": -2, "attempts": 1}]


def test_finishing_and_claiming_is_one_statement(stack: Stack) -> None:
    """What was to be finished is not claimed, unless it is due again."""
    put(stack, 2, "call", 0)
    first = psql(stack.env, NEXT.format(run=-1, **ANY)).split("|")[0]
    psql(stack.env, f"UPDATE job SET generation = 2 WHERE id = {first}")
    statement = NEXT.format(run=-1, **ANY).replace(
        "'{}', '{}'", f"'{{{first}}}', '{{1}}'")
    assert psql(stack.env, statement).split("|")[0] == first
    assert psql(stack.env, NEXT.format(run=-1, **ANY)).split("|")[0] != first


@pytest.mark.sanitize
def test_many_quick_ones(stack: Stack) -> None:
    """Each is done once; a live one beside them is not forgotten."""
    before = stack.count("job_done")
    put(stack, 1001, "probe", -10, "default")
    psql(stack.env, "INSERT INTO job (workspace, kind, resource_id)"
                    " VALUES ('default', 'probe', 'queue-live')")
    stack.run("ons-process", "--drain", "--workers", "3")
    assert stack.rows("SELECT count(*), count(DISTINCT resource_id) AS ids,"
                      " max(attempts) AS most FROM job_done"
                      " WHERE resource_id LIKE 'queue-%'"
                      "   AND kind = 'probe' AND workspace = 'default'") == [
        {"count": 1002, "ids": 1002, "most": 1}]
    assert stack.count("job_done") == before + 1002
    assert not stack.rows("SELECT FROM job WHERE resource_id LIKE 'queue-%'")


def test_a_process_does_not_read_the_queue_to_end(stack: Stack) -> None:
    """Nobody but the next claim knows how long it is."""
    def read() -> int:
        until(lambda: not stack.rows("SELECT FROM pg_stat_activity"
                                     " WHERE application_name LIKE 'ons-process%'"))
        [row] = stack.rows("SELECT coalesce(seq_tup_read, 0) AS rows"
                           "  FROM pg_stat_user_tables WHERE relname = 'job'")
        return int(row["rows"])

    put(stack, 20000, "probe", 0, "another")
    psql(stack.env, "ANALYZE job")
    before = read()
    stack.process()
    assert read() - before < 20000


def test_what_cannot_be_asked_for_again_keeps_nothing_else(
        stack: Stack) -> None:
    """Of 501 that were to be first the jobs stay: dead ones, say."""
    put(stack, 501, "call", 10)
    psql(stack.env, """
        INSERT INTO resource (workspace, kind, id, facts, times, recheck_at)
        SELECT 'queue', 'call', 'queue-' || i, '{}', '{}',
               now() - (i || ' s')::interval
          FROM generate_series(-3, 501) i WHERE i <> 0;
        UPDATE resource SET recheck_at = now() - interval '1 ms'
         WHERE workspace = 'queue' AND recheck_at > now();""")
    stack.process()
    made = [row["resource_id"] for row in stack.rows(
        "SELECT resource_id FROM job WHERE workspace = 'queue'"
        " ORDER BY id DESC LIMIT 3")]
    psql(stack.env, "DELETE FROM resource WHERE workspace = 'queue';"
                    " DELETE FROM job WHERE workspace = 'queue';")
    # in the order in which deliveries make them due: neither waits for the other
    assert made == ["queue--3", "queue--2", "queue--1"]


# What locks several rows: its arguments, and the rows in the order in which
# everybody locks them. They are stored the other way round.
JOBS = ("job", ["resource_id = 'queue-1'", "resource_id = 'queue-2'"])
TROUBLES = ("trouble", ["part = ''", "part = 'call'"])
LOCKING = {
    "jobs_retry": ("text[]", "ARRAY['{0}/1', '{1}/1']", JOBS),
    "jobs_discard": ("text[]", "ARRAY['{0}/1', '{1}/1']", JOBS),
    "operator_acted": ("text", "'queue'", JOBS),
    "job_fail": ("bigint, bigint, bigint, text, text, boolean, boolean, int",
                 "{0}, -1, 1000, 'x', 'operator', false, true, 1", TROUBLES),
}


class Session:
    """A connection that stays, and goes on while we do something else."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.psql = subprocess.Popen(
            [PSQL, "-XqAt", "--set=ON_ERROR_STOP=1"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, **stack.env})
        self.send("SELECT pg_backend_pid();")
        self.pid = int(self.psql.stdout.readline())

    def send(self, script: str) -> None:
        self.psql.stdin.write(script + "\n")
        self.psql.stdin.flush()

    def waits(self) -> bool:
        return bool(self.stack.rows(
            "SELECT FROM pg_stat_activity"
            " WHERE pid = :pid AND wait_event_type = 'Lock'", pid=self.pid))

    def end(self) -> str:
        """What it has said."""
        return self.psql.communicate(timeout=60)[0]


@pytest.mark.parametrize("name", LOCKING)
def test_all_lock_in_the_same_order(stack: Stack, name: str) -> None:
    """Else two would wait for each other, and one of them fail."""
    types, arguments, (table, rows) = LOCKING[name]
    statement = (TOP / "sql/queries" / f"{name}.sql").read_text()
    psql(stack.env, """
        DELETE FROM trouble WHERE workspace = 'queue';
        INSERT INTO trouble (workspace, service, part, reason)
        VALUES ('queue', 'notion', 'call', 'x'), ('queue', 'notion', '', 'x');
        INSERT INTO job (workspace, kind, resource_id, error_kind)
        VALUES ('queue', 'call', 'queue-2', 'operator'),
               ('queue', 'call', 'queue-1', 'operator');""")
    ids = psql(stack.env, "SELECT id FROM job WHERE workspace = 'queue'"
                          " ORDER BY id").split()
    if name == "job_fail":
        psql(stack.env, "UPDATE job SET lease_by = -1, claimed_at = now()"
                        f" WHERE id = {ids[0]}")
    lock = f"SELECT FROM {table} WHERE workspace = 'queue' AND {{}} FOR UPDATE;"
    one, other = Session(stack), Session(stack)
    one.send("BEGIN; " + lock.format(rows[0]) + " SELECT 'locked';")
    assert one.psql.stdout.readline().strip() in ("", "locked")
    other.send(f"PREPARE it ({types}) AS {statement};\n"
               f"EXECUTE it ({arguments.format(*ids)});")
    until(other.waits, 20)
    one.send(lock.format(rows[1]) + " COMMIT;")
    said = one.end() + other.end()
    psql(stack.env, "DELETE FROM trouble WHERE workspace = 'queue';"
                    " DELETE FROM job WHERE workspace = 'queue';")
    assert "ERROR" not in said
