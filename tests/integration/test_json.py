"""What all commands of onsctl have in common: --json, --help, the names of
options."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, psql

pytestmark = pytest.mark.sanitize

FORGOTTEN = "+15550197531"

# Each command in each way that has a result of its own, and members that the
# result has. {call}: a call with a page; {dead}: one that was given up;
# {backfill}: a number; {webhook}: a subscription; {url}: where it delivers to.
CASES: dict[str, list[tuple[str, str]]] = {
    "alert-test": [],  # test_alerts has it: it needs somebody to be told
    "backfill": [("--since 1d", "calls messages seconds"),
                 ("--list", "backfills"),
                 ("--cancel {backfill}", "cancelled not_written"),
                 ("--follow {backfill}", "backfill state reason written"),
                 ("--since 1d --apply", "backfill"),
                 ("--since 1d --until 12h --apply --follow",
                  "backfill state")],
    "check-config": [("", "configuration good failures warnings")],
    "config": [("", "database openphone notion media s3 process log")],
    "discard": [("--yes {dead}", "discarded"),
                ("--dead --yes --error nothing-like-it", "discarded")],
    "doctor": [("", "status checks measured")],
    "events": [("--limit 3", "events"), ("nobody", "events")],
    "export": [("--kind call", "records"),
               ("--kind call --since 2001-01-01 --until 2001-01-02",
                "records"),
               ("--kind call --format csv --output {file}", "records file")],
    "forget": [(FORGOTTEN, "calls messages applied"),
               (f"--apply {FORGOTTEN}", "calls messages applied"),
               ("--apply", "finished trashed"),
               (f"--undo {FORGOTTEN}", "undone")],
    "init": [("", "databases")],
    "jobs": [("", "jobs"), ("--dead", "jobs")],
    "maintain": [("", "complete findings summary")],
    "migrate": [("", "version applied")],
    "reconcile": [("--notion", "complete findings summary")],
    "relink": [("{call}", "due")],
    "replay": [("--kind call --since 1h", "calls messages applied"),
               ("--apply {call}", "calls messages applied"),
               ("{call} --apply", "calls messages applied")],
    "retry": [("{dead}", "due"), ("--dead", "due")],
    "revoke": [("{call}", "slots renewed"),
               ("--renew {call}", "slots renewed")],
    "send-test": [("", "resource_id status")],
    "show": [("{call}", "page blocks jobs attempts"),
             ("{dead}", "page blocks jobs attempts")],
    "status": [("", "workspaces spooled set_aside unconfigured")],
    "webhooks": [("", "webhooks"), ("list", "webhooks"),
                 ("create --url {url}", "webhooks"),
                 ("rotate {webhook}", "id secrets_file old_until"),
                 ("rotate --finish --now {webhook}", "id secrets_file"),
                 ("create --v1 --url {url}", "webhooks"),
                 ("delete {webhook}", "id deleted secrets_dropped")],
}


def usage(stack: Stack, *args: str) -> str:
    return stack.run("onsctl", *args, "--help").stdout


def commands(stack: Stack) -> list[str]:
    return re.findall(r"^  ([\w-]+) +\S", usage(stack), flags=re.M)


def test_every_command_is_tried(stack: Stack) -> None:
    assert commands(stack) == sorted(CASES)


@pytest.fixture
def names(stack: Stack, known: None,
          tmp_path: Path) -> Iterator[dict[str, str]]:
    call, dead = stack.fresh(), stack.fresh()
    event = stack.load("2026-03-30/call.completed", call)
    recording = stack.load("2026-03-30/call.recording.completed", call)
    stack.send(event, recording)
    stack.process()
    psql(stack.env, "INSERT INTO job (workspace, kind, resource_id, dead,"
         f" last_error) VALUES ('default', 'call', 'AC{dead}', true, 'no');")
    queued = stack.run("onsctl", "backfill", "--since", "1d", "--apply",
                       "--json")
    yield {"call": deliver.resource_id(event), "dead": f"AC{dead}",
           "backfill": str(json.loads(queued.stdout)["backfill"]),
           "url": stack.url + deliver.WEBHOOK_PATH,
           "file": str(tmp_path / "export.csv")}
    psql(stack.env, "DELETE FROM job WHERE resource_id LIKE 'ACt%' AND dead;"
         " DELETE FROM job WHERE kind = 'backfill';")
    stack.process()


@pytest.fixture
def secrets(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """A configuration with a file for secrets, which webhooks are put into."""
    file = tmp_path / "secrets"
    file.touch(0o600)
    config = stack.variant(tmp_path, webhook__secrets_file=str(file))
    yield config
    listed = stack.run("onsctl", "webhooks", "--json", config=config)
    for webhook in json.loads(listed.stdout)["webhooks"]:
        stack.run("onsctl", "webhooks", "delete", webhook["id"],
                  config=config)


def result(done: subprocess.CompletedProcess[str]) -> Any:
    """One document, a line end, and nothing else."""
    document, end = json.JSONDecoder().raw_decode(done.stdout)
    assert done.stdout[end:] == "\n"
    return document


@pytest.mark.parametrize("command", [
    one for one in CASES
    if one not in ("alert-test", "backfill", "doctor", "forget", "webhooks")])
def test_json(stack: Stack, names: dict[str, str], command: str) -> None:
    for args, members in CASES[command]:
        given = args.format(**names).split()
        done = stack.run("onsctl", command, *given, "--json", expect=None)
        said = result(done)
        # other files' tests may have left something to be found
        complete = command not in ("maintain", "reconcile") or \
            said["complete"]
        assert done.returncode == (0 if complete else 1), done.stderr
        assert set(members.split()) <= set(said), (args, said)


def test_json_in_front_of_the_command(stack: Stack) -> None:
    assert result(stack.run("onsctl", "--json", "migrate")) \
        == result(stack.run("onsctl", "migrate", "--json"))


def test_json_of_doctor(stack: Stack) -> None:
    """On this stack all is not well, for nobody runs the processor."""
    for args, members in CASES["doctor"]:
        done = stack.run("onsctl", "doctor", *args.split(), "--json",
                         expect=None)
        assert done.returncode in (0, 1, 2)
        assert set(members.split()) <= set(result(done))


def test_json_of_forget(stack: Stack) -> None:
    """Not while a backfill lists."""
    event = json.dumps(stack.load("2026-03-30/message.received",
                                  stack.fresh()))
    stack.send(json.loads(event.replace("+15550001111", FORGOTTEN)))
    stack.process()
    for args, members in CASES["forget"]:
        said = result(stack.run("onsctl", "forget", *args.split(), "--json"))
        assert set(members.split()) <= set(said), (args, said)


def test_json_of_backfill(stack: Stack, names: dict[str, str]) -> None:
    *cases, (followed, _) = CASES["backfill"]
    for args, members in cases:
        said = result(stack.run(
            "onsctl", "backfill", *args.format(**names).split(), "--json"))
        assert set(members.split()) <= set(said), (args, said)
    linger = stack.start("ons-process", "--linger")
    try:
        said = result(stack.run("onsctl", "backfill", *followed.split(),
                                "--json"))
        assert said["state"] == "complete" and said["backfill"] > 0
    finally:
        linger.terminate()
        linger.communicate(timeout=60)


def test_json_of_webhooks(stack: Stack, names: dict[str, str],
                          secrets: Path) -> None:
    for args, members in CASES["webhooks"]:
        said = result(stack.run(
            "onsctl", "webhooks", *args.format(**names).split(), "--json",
            config=secrets))
        assert set(members.split()) <= set(said), (args, said)
        if args.startswith("create --url"):
            names["webhook"] = said["webhooks"][0]["id"]


def test_what_fails_prints_no_document(stack: Stack, tmp_path: Path) -> None:
    away = stack.variant(tmp_path, database__conninfo="host=/nonexistent")
    for command in ("events", "jobs", "migrate", "init", "relink", "retry"):
        args = ["--dead"] if command == "retry" else []
        done = stack.run("onsctl", command, *args, "--json", config=away,
                         expect=75)
        assert done.stdout == "" and done.stderr.startswith("onsctl: ")


def test_a_wrong_configuration_as_json(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, openphone__api_key=None)
    said = result(stack.run("onsctl", "check-config", "--json", config=config,
                            expect=78))
    assert not said["good"]
    assert "[openphone] api_key" in said["failures"][0]


def test_nothing_is_discarded_without_yes(stack: Stack,
                                          names: dict[str, str]) -> None:
    done = stack.run("onsctl", "discard", names["dead"], "--json", expect=64)
    assert done.stdout == "" and "--yes" in done.stderr


def test_the_configuration_as_json(stack: Stack, tmp_path: Path) -> None:
    """The same as in text, which reads back the same; and no secret."""
    numbers = [f"+1555010{n:04}" for n in range(60)]
    config = stack.variant(tmp_path, sync__numbers="\n\t".join(numbers))
    done = stack.run("onsctl", "config", "--json", config=config)
    said = result(done)
    assert said["sync"]["numbers"] == " ".join(numbers)  # several lines of text
    assert said["sync"]["ignore"] is None
    assert said["notion"]["api_key"] == "(set, not shown)"
    text = stack.run("onsctl", "config", config=config).stdout
    keys = re.findall(r"^(?:; )?(\w+) =", text, flags=re.M)
    assert [key for section in said.values() for key in section] == keys
    for name in ("NOTION_API_KEY", "OPENPHONE_API_KEY", "ONS_WEBHOOK_SECRET"):
        assert stack.env[name] not in done.stdout


# --- --help ---

@pytest.mark.parametrize("command", sorted(CASES))
def test_help(stack: Stack, command: str) -> None:
    said = usage(stack, command)
    assert said.startswith(f"usage: onsctl {command}")
    assert said.count("\n") == 3
    [summary] = re.findall(rf"^  {command} +(.*)$", usage(stack), flags=re.M)
    assert said.endswith(f"\n\n{summary}\n")


def test_an_option_is_the_same_everywhere(stack: Stack) -> None:
    """What it takes is called by the same word."""
    seen: dict[str, set[str]] = {}
    for command in commands(stack):
        line = usage(stack, command).splitlines()[0]
        for option, takes in re.findall(r"(--[\w-]+)(?: (\[?[A-Z]+))?",
                                        line):
            seen.setdefault(option, set()).add(takes)
    assert len(seen) > 20
    assert {option: takes for option, takes in seen.items()
            if len(takes) > 1} == {}
    assert seen["--since"] == seen["--until"] == {"WHEN"}
