"""No statement costs more because more was stored: what each reads, in a
database of some hundred thousand deliveries."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import PSQL, TOP, Stack, clean_environment, psql

sys.path.insert(0, str(TOP / "tests" / "bench"))

import plans  # noqa: E402  (found by the line above)

EVENTS = 200_000


@pytest.fixture(scope="module")
def full(stack: Stack) -> Iterator[dict[str, str]]:
    """How to reach a database of the stack's server that is full."""
    server = {**stack.env, "PGUSER": "postgres"}
    full = {**server, "PGDATABASE": "stored"}
    psql(server, f"CREATE DATABASE stored OWNER {stack.env['PGUSER']}")
    try:
        stack.run("onsctl", "migrate", env={"PGDATABASE": "stored"})
        subprocess.run(
            [PSQL, "-Xq", f"--set=n={EVENTS}",
             "-f", TOP / "tests" / "bench" / "fill.sql"], check=True,
            env=clean_environment(**{name: value for name, value in
                                     full.items() if name[:2] == "PG"}))
        yield full
    finally:
        psql(server, "DROP DATABASE stored WITH (FORCE)")


@pytest.fixture(scope="module")
def found(full: dict[str, str]) -> list[plans.Found]:
    return plans.look(full)


def test_what_is_asked_for_is_found_by_an_index(
        found: list[plans.Found]) -> None:
    wrong = [line for one in found for line in one.wrong()]
    assert not wrong, "\n".join(wrong)


def test_every_statement_is_looked_at(found: list[plans.Found]) -> None:
    assert {one.name for one in found} == set(plans.statements())
    assert set(plans.ARGUMENTS) <= set(plans.statements())
    assert {name.split()[0] for name in plans.WHOLE} <= set(
        plans.statements())
    assert all((TOP / f"sql/queries/{name}.sql").exists()
               for name in plans.LEFT_OUT)


def test_going_through_a_table_is_noticed(full: dict[str, str]) -> None:
    index = psql(full, "SELECT pg_get_indexdef('page_by_creation'::regclass);")
    psql(full, "DROP INDEX page_by_creation;")
    try:
        [one, *_] = plans.look(full, ["doctor_queue"])
    finally:
        psql(full, index)
    assert any("Seq Scan of page" in line for line in one.wrong())
