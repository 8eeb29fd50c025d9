"""The log: what its lines hold, and how its file is rotated."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import TOP, Stack, psql, until
from private import Responder, fastcgi

pytestmark = [pytest.mark.usefixtures("known")]

CALL = "2026-03-30/call.completed"
MANUAL = TOP / "man" / "openphone-notion-sync.7"
NUMBERS = {"job", "attempt", "duration_ms"}


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    yield
    stack.control("DELETE", "/faults")
    psql(stack.env, "DELETE FROM job; DELETE FROM bucket;"
         " DELETE FROM page WHERE state = 'intent';")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def documented() -> set[str]:
    """The members that the manual's table has."""
    table = re.search(r"^\.Bl -column.*?^\.El", MANUAL.read_text(),
                      re.MULTILINE | re.DOTALL)
    assert table
    return set(re.findall(r"^\.It Li (\w+) Ta", table[0], re.MULTILINE))


def a_call(stack: Stack) -> str:
    event = stack.load(CALL, stack.fresh())
    stack.send(event)
    return deliver.resource_id(event)


def test_a_job_is_told_of(stack: Stack, tmp_path: Path) -> None:
    log = tmp_path / "ons.log"
    config = stack.variant(tmp_path, log__level="debug", log__file=str(log))
    key = a_call(stack)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": "/v1/pages",
        "times": -1, "status": 400, "body": {
            "object": "error", "status": 400, "code": "validation_error",
            "message": "not for +1 (555) 000-1111\n\x1b[2J"}})
    stack.run("ons-process", "--drain", "-w", "1", config=config)
    stack.control("DELETE", "/faults")
    psql(stack.env, "UPDATE job SET run_at = now(), dead = false;")
    stack.run("ons-process", "--drain", "-w", "1", config=config)

    assert all(" " <= c or c == "\n" for c in log.read_text())
    told = lines(log)
    assert set().union(*told) <= documented()
    mine = [line for line in told if line.get("id") == key]
    for line in mine:
        assert line["program"] == "ons-process"
        assert line["workspace"] == "default"
        assert line["kind"] == "call"
        for name in NUMBERS & line.keys():
            assert type(line[name]) is int
    assert len({line["job"] for line in mine}) == 1
    ends = [line for line in mine if "duration_ms" in line]
    assert [(end["message"] == "done", end.get("error_kind"), end["attempt"])
            for end in ends] == [(False, "permanent", 1), (True, None, 2)]
    assert ends[0]["level"] == "error" and ends[1]["level"] == "info"
    assert "not for +1 (555) ***-1111" in ends[0]["message"]
    assert set().union(*mine) >= documented() - {"error_kind"}


def test_the_manuals_questions(stack: Stack, tmp_path: Path) -> None:
    """jq's lines in the manual, over a log that has an answer to each."""
    log = tmp_path / "ons.log"
    config = stack.variant(tmp_path, log__level="info", log__file=str(log))
    stack.run("ons-process", "--drain", config=stack.variant(
        tmp_path, log__file=str(log), database__process="user=nobody_known"),
        expect=None)
    key = a_call(stack)
    stack.run("ons-process", "--drain", config=config)
    with open(log, "a") as more:
        more.write(json.dumps({"level": "error", "id": key,
                               "error_kind": "retry", "message": "m"}) + "\n")
    asked = re.findall(r"^(jq .*)$", MANUAL.read_text(), re.MULTILINE)
    assert len(asked) == 4
    for question in asked:
        done = subprocess.run(
            question.replace("ACtest0001", key), shell=True, cwd=tmp_path,
            text=True, capture_output=True, check=True)
        assert done.stdout and not done.stderr, question


def test_one_place_at_a_time(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, log__file=str(tmp_path / "ons.log"),
                           log__syslog="yes")
    for program, *args in (("ons-process",), ("onsctl", "check-config")):
        done = stack.run(program, *args, config=config, expect=78)
        assert "[log] has both file and syslog" in done.stderr


def fake_systemctl(folder: Path, pids: dict[str, int]) -> None:
    """One that knows these units."""
    script = folder / "systemctl"
    cases = "".join(f"'kill -s HUP {unit}') kill -HUP {pid} ;;\n"
                    for unit, pid in pids.items())
    script.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}*) exit 5 ;;\nesac\n')
    script.chmod(0o755)


def rotate(folder: Path) -> None:
    """logrotate, by the shipped fragment; the folder and who runs the programs
    are others here."""
    text = (TOP / "logrotate" / "openphone-notion-sync").read_text()
    for old, new in (
            ("/var/log/openphone-notion-sync/", f"{folder}/"),
            ("[ -d /run/systemd/system ]", "true"),
            ("\tsu ons ons\n", ""),
            ("create 0640 ons ons", "create 0640")):
        assert old in text
        text = text.replace(old, new)
    (folder / "fragment").write_text(text)
    (folder / "fragment").chmod(0o644)
    subprocess.run(
        ["/usr/sbin/logrotate", "-f", "-s", folder / "state",
         folder / "fragment"], check=True,
        env={"PATH": f"{folder}:/usr/bin:/bin"})


def test_rotation(stack: Stack, tmp_path: Path) -> None:
    """Each program that stays goes on in the new file; nothing is lost."""
    tmp_path.chmod(0o755)
    log, old = tmp_path / "ons.log", tmp_path / "ons.log.1"
    config = stack.variant(tmp_path, log__level="info", log__file=str(log),
                           process__workers="2")
    webhook = Responder(stack, config, stack.state / "run")
    portal = stack.start("ons-portal", "-s",
                         str(stack.state / "run" / f"{stack.fresh()}.sock"),
                         config=config)
    processor = stack.start("ons-process", "--linger", config=config)

    def done(path: Path, key: str) -> bool:
        return any(line.get("id") == key and line["message"] == "done"
                   for line in lines(path))

    def refused(path: Path) -> int:
        """... from the responder's child, which answers."""
        answer = fastcgi(webhook.sock, "POST", deliver.WEBHOOK_PATH, b"{}")
        assert answer.status == 401
        return sum("refused a delivery" in line["message"]
                   for line in lines(path))

    try:
        assert refused(log) == 1
        key = a_call(stack)
        until(lambda: done(log, key))
        fake_systemctl(tmp_path, {"ons-webhook.service": webhook.process.pid,
                                  "ons-portal.service": portal.pid})
        rotate(tmp_path)
        assert done(old, key)
        until(lambda: log.exists() and refused(log))

        # found by no unit, a processor goes on in the old file
        key = a_call(stack)
        until(lambda: done(old, key))
        processor.send_signal(1)
        key = a_call(stack)
        until(lambda: done(log, key))
        assert processor.poll() is None and portal.poll() is None
    finally:
        webhook.stop()
        for child in (portal, processor):
            child.terminate()
            child.communicate(timeout=20)
