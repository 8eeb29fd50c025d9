"""What holds after every experiment, whatever was done to the programs."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from typing import Any

from integration import STACK, Stack
from ledger import Ledger
from life import Life, Reference, generic, plain
from report import Row

# The programs' own logs, in the stack's folder.
LOGS = ("webhook.log", "portal.log", "processor.log")


def check(stack: Stack, ledger: Ledger, reference: Reference,
          lives: list[Life], row: Row) -> None:
    """All of them, once nothing runs that works on jobs. What was lost or
    doubled is counted in the row; the first that fails fails the test."""
    row.acknowledged = len(ledger.acknowledged)
    problems = (acknowledged_is_stored(stack, ledger, row)
                + nothing_is_stuck(stack, row)
                + pages_are_right(stack, reference, lives, row)
                + objects_are_referenced(stack, row)
                + nobody_was_refused(ledger)
                + logs_are_discreet(stack, ledger))
    row.judge(problems)


def acknowledged_is_stored(stack: Stack, ledger: Ledger,
                           row: Row) -> list[str]:
    """Every 2xx is in the database, byte by byte."""
    stored = {one["delivery_key"]: one["hash"] for one in stack.rows(
        "SELECT e.delivery_key, encode(sha256(b.body), 'hex') AS hash"
        "  FROM event e JOIN event_body b ON b.event_id = e.id")}
    wrong = [key for key, digest in ledger.acknowledged.items()
             if stored.get(key) != digest]
    row.lost += len(wrong)
    return [f"acknowledged and not stored: {key}" for key in wrong] + \
        [f"never acknowledged: {one.name}" for one in ledger.unacknowledged]


def nothing_is_stuck(stack: Stack, row: Row) -> list[str]:
    """No job is left, nor a lease, nor a process that is none."""
    jobs = stack.rows("SELECT kind, resource_id, dead, lease_by, error_kind,"
                      " last_error FROM job")
    row.stuck += len(jobs)
    gone = [run for run in stack.rows("SELECT program, pid FROM run")
            if not os.path.exists(f"/proc/{run['pid']}")]
    return [f"a job is left: {job}" for job in jobs] + \
        [f"a run is left: {run}" for run in gone]


def pages_are_right(stack: Stack, reference: Reference, lives: list[Life],
                    row: Row) -> list[str]:
    """Exactly one live page a resource, with the content that the fold of its
    events has when nothing disturbs its making."""
    found: dict[str, list[dict[str, Any]]] = {}
    for page in stack.control("GET", "/notion/pages"):
        if not page["in_trash"] and (key := openphone_id(page)):
            found.setdefault(key, []).append(page)
    problems = []
    for life in lives:
        for key in life.pages:
            pages = found.get(key, [])
            row.lost += not pages
            row.doubled += max(0, len(pages) - 1)
            if len(pages) != 1:
                problems.append(f"{key} has {len(pages)} pages")
                continue
            wanted = reference.pages[generic(key, life)]
            if (have := plain(pages[0], life.suffix)) != wanted:
                row.doubled += len(have["children"]) > len(wanted["children"])
                row.lost += len(have["children"]) < len(wanted["children"])
                problems.append(f"{key} differs:\n" + difference(wanted, have))
    return problems


def openphone_id(page: dict[str, Any]) -> str:
    value = page["properties"].get("OpenPhone ID")
    return "".join(item["plain_text"] for item in value["rich_text"]) \
        if value else ""


def difference(wanted: Any, have: Any, path: str = "") -> str:
    """Where two JSON values differ, for people."""
    if isinstance(wanted, dict) and isinstance(have, dict):
        return "\n".join(difference(wanted.get(name), have.get(name),
                                    f"{path}.{name}")
                         for name in sorted(wanted.keys() | have.keys())
                         if wanted.get(name) != have.get(name))
    if isinstance(wanted, list) and isinstance(have, list) and \
            len(wanted) == len(have):
        return "\n".join(difference(one, other, f"{path}[{number}]")
                         for number, (one, other) in
                         enumerate(zip(wanted, have)) if one != other)
    return f"  {path}: {json.dumps(wanted)[:600]} -> {json.dumps(have)[:600]}"


def objects_are_referenced(stack: Stack, row: Row) -> list[str]:
    """What is in the bucket or folder is what the table says, in both
    directions."""
    listed = subprocess.check_output(
        [STACK / "s3.sh", "list", stack.state], text=True)
    objects = {key: int(size) for size, key in
               (line.split(" ", 1) for line in listed.splitlines())}
    folder = stack.state / "media"
    objects |= {str(path.relative_to(folder)): path.stat().st_size
                for path in folder.rglob("*") if path.is_file()}
    media = {one["key"]: one["size"] for one in stack.rows(
        "SELECT key, size FROM media WHERE state = 'stored'")}
    row.lost += len(media.keys() - objects.keys())
    return [f"stored but not there: {key}"
            for key in media.keys() - objects.keys()] + \
        [f"nobody's object: {key}" for key in objects.keys() - media.keys()] + \
        [f"not as long as it was: {key}"
         for key in media.keys() & objects.keys() if media[key] != objects[key]]


def nobody_was_refused(ledger: Ledger) -> list[str]:
    """No request broke a rule of the services, rate limits included. Only
    that a block is deleted twice is all right: a process may die after the
    first time, before anybody knows of it."""
    return [f"violation: {one}" for one in
            ledger.violations()[ledger.violations_before:]
            if not (one["method"] == "DELETE" and one["status"] == 400
                    and "archived" in one["response"]["message"])]


def logs_are_discreet(stack: Stack, ledger: Ledger) -> list[str]:
    """No secret, number or text is in the logs of the programs."""
    hidden = secrets(stack) | {text for envelope in ledger.envelopes
                               for text in spoken(envelope)}
    problems = []
    for name in LOGS:
        path = stack.state / "log" / name
        log = path.read_text(errors="replace") if path.exists() else ""
        problems += [f"{name} has {text[:8]}…" for text in hidden
                     if text in log]
        problems += [f"{name} has the number {number}" for number
                     in set(re.findall(r"\+?1?555\d{7}", log))]
    return problems


def secrets(stack: Stack) -> set[str]:
    names = ("OPENPHONE_API_KEY", "NOTION_API_KEY", "AWS_SECRET_ACCESS_KEY",
             "ONS_WEBHOOK_SECRET", "ONS_LEGACY_KEY")
    found = {word for name in names for word in shlex.split(stack.env[name])}
    assert all(len(word) > 8 for word in found)
    return found


SPOKEN = {"text", "body", "content", "summary", "nextSteps", "transcript"}


def spoken(value: Any, said: bool = False) -> set[str]:
    """Texts of messages, summaries and dialogues in an envelope."""
    if isinstance(value, list):
        return {text for item in value for text in spoken(item, said)}
    if isinstance(value, dict):
        return {text for name, item in value.items()
                for text in spoken(item, said or name in SPOKEN)}
    return {value} if said and isinstance(value, str) and len(value) > 15 \
        else set()
