"""The commands that prove and repair, as somebody new to them may call them:
what cannot be done is said in a line, with the right exit code, and nothing is
changed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack

EX_USAGE, EX_DATAERR, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 64, 65, 75, 77, 78

# each as it would change something
COMMANDS = {
    "backfill": ("--since", "2d", "--apply"),
    "maintain": (),
    "reconcile": ("--repair",),
    "replay": ("--all", "--apply"),
    "webhooks": ("test",),
}
CREATE = ("create",)  # asks OpenPhone only
TABLES = ("backfill", "backfill_slice", "job", "resource", "page", "finding",
          "listing", "upstream", "trouble", "event")


def everything(stack: Stack) -> dict[str, Any]:
    counts = ", ".join(f"(SELECT count(*) FROM {table}) AS {table}"
                       for table in TABLES)
    return {"tables": stack.rows(f"SELECT {counts}"),
            "pages": len(stack.control("GET", "/notion/pages")),
            "webhooks": stack.run("onsctl", "webhooks", "list").stdout}


def refused(stack: Stack, *args: str, expect: int, said: str,
            lines: int = 1, **more: Any) -> None:
    before = everything(stack)
    done = stack.run("onsctl", *args, expect=expect, **more)
    assert done.stdout == ""
    assert re.search(said, done.stderr), done.stderr
    assert done.stderr.count("\n") == lines
    assert everything(stack) == before


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("trouble, expect, said", [
    ("no configuration", EX_CONFIG, "nowhere.conf: cannot read it: No such file"),
    ("no server", EX_TEMPFAIL, "is PostgreSQL running there"),
    ("no database", EX_CONFIG, r'"nobodys" does not exist: see \[database\]'),
    ("no tables", EX_CONFIG, "run `onsctl migrate`"),
])
def test_nothing_to_work_with(stack: Stack, tmp_path: Path, command: str,
                              trouble: str, expect: int, said: str) -> None:
    where = {"no server": f"host={tmp_path} dbname=x",
             "no database": f"host={stack.env['PGHOST']} dbname=nobodys"
                            " user=postgres",
             "no tables": f"host={stack.env['PGHOST']} dbname=template1"
                          " user=postgres"}
    config = tmp_path / "nowhere.conf"
    if trouble in where:
        roles: dict[str, str | None] = {
            f"database__{role}": None
            for role in ("webhook", "process", "portal", "owner")}
        config = stack.variant(tmp_path, **roles,
                               database__conninfo=where[trouble])
    refused(stack, command, *COMMANDS[command], expect=expect, said=said,
            config=config)


@pytest.mark.parametrize("command, args", [
    ("backfill", ("--apply",)), ("reconcile", ("--repair",)),
    ("replay", ("--apply",))])
@pytest.mark.parametrize("range_, said", [
    (("--since", "yesterday"), "--since: neither a day"),
    (("--since", "2026-02-30"), "--since: neither a day"),
    (("--since", ""), "--since: neither a day"),
    (("--since", "2026-02-01", "--until", "x"), "--until: neither a day"),
    (("--since", "2026-02-02", "--until", "2026-02-01"),
     "not before --until"),
    (("--since", "2d", "--until", "3d"), "not before --until"),
    (("--since", "2999-01-01"), "yet to come"),
])
def test_ranges(stack: Stack, command: str, args: tuple[str, ...],
                range_: tuple[str, ...], said: str) -> None:
    refused(stack, command, *args, *range_, expect=EX_USAGE, said=said)


@pytest.mark.parametrize("command, args, expect, said", [
    ("backfill", ("--since", "2d", "--number", "+15550009999", "--apply"),
     EX_DATAERR, "none of the workspace's"),
    ("backfill", ("--since", "2d", "--contact", "CTnobody", "--apply"),
     EX_DATAERR, "neither a telephone number nor a contact"),
    ("replay", ("ACnobody", "--apply"), EX_DATAERR, "ACnobody"),
    ("webhooks", ("delete", "WHnobody"), EX_DATAERR, "WHnobody"),
    ("relink", ("--since", "yesterday"), EX_USAGE, "neither a day"),
    ("relink", ("--since", "2026-02-30"), EX_USAGE, "neither a day"),
    ("relink", ("--since", "2999-01-01"), EX_USAGE, "yet to come"),
])
def test_nobody_is_called_that(stack: Stack, command: str,
                               args: tuple[str, ...], expect: int,
                               said: str) -> None:
    refused(stack, command, *args, expect=expect, said=said)


@pytest.mark.parametrize("command, args", [
    ("backfill", COMMANDS["backfill"]), ("webhooks", CREATE)])
def test_no_permission(stack: Stack, tmp_path: Path, command: str,
                       args: tuple[str, ...]) -> None:
    """reconcile compares Notion before: see test_reconcile; maintain tells it
    in the log: see test_maintain."""
    wrong = stack.variant(tmp_path, openphone__api_key="wrong")
    refused(stack, command, *args, expect=EX_NOPERM, said="401", config=wrong)


@pytest.mark.parametrize("command", [
    one for one in COMMANDS if one != "maintain"])  # which has no options
def test_usage(stack: Stack, command: str) -> None:
    refused(stack, command, "--everything", expect=EX_USAGE, lines=2,
            said=f"unrecognized option '--everything'\nusage: onsctl {command}")
