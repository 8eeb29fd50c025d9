"""The troubleshooting list: each symptom is provoked, and what the manual says
to look at names it; what it says to do mends it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, until
from test_backfill import History
from test_doctor import (
    FAILURE, HOOK, OK, WARNING, Patient, bad, lines, patch, patient, refused)

__all__ = ["patient"]  # the fixture

pytestmark = pytest.mark.usefixtures("keep_destinations", "known")
MESSAGE = "2026-03-30/message.received"
RECORDING = "2026-03-30/call.recording.completed"


@pytest.fixture(autouse=True)
def settled_queue(stack: Stack) -> Iterator[None]:
    stack.process()
    yield
    stack.control("DELETE", "/faults")
    psql(stack.env, "DELETE FROM trouble; DELETE FROM bucket;"
         " DELETE FROM job;")


def named(patient: Patient, check: str, level: int, *words: str,
          config: Path | None = None) -> None:
    """doctor has a line with these words, in its text or remedy."""
    _, checks = patient.report(config=config or patient.config())
    said = [one["text"] + " " + (one["remedy"] or "") for one in lines(
        checks, check, ("ok", "warning", "failure")[level])]
    assert any(all(word in text for word in words) for text in said), \
        (said, bad(checks))


def is_well(patient: Patient) -> None:
    status, checks = patient.report()
    assert status == OK, bad(checks)


def arrive(stack: Stack, name: str = MESSAGE) -> str:
    event = stack.load(name, stack.fresh())
    stack.send(event)
    return deliver.resource_id(event)


def status(stack: Stack, config: Path | None = None) -> str:
    return stack.run("onsctl", "status", config=config).stdout


def outcome(stack: Stack, key: str) -> list[str]:
    said = json.loads(stack.run("onsctl", "events", key, "--json").stdout)
    return [one["outcome"] for one in said["events"]]


def stands(stack: Stack, key: str) -> bool:
    return bool(stack.rows("SELECT FROM v_pages WHERE resource_id = :'id'"
                           " AND state = 'written'", id=key))


def fault(stack: Stack, **what: Any) -> None:
    stack.control("POST", "/faults", {"times": -1, **what})


# --- webhooks not received ---

def test_the_webhook_is_gone(patient: Patient) -> None:
    arrive(patient.stack)
    patient.stack.process()
    patient.api(f"/webhooks/{patient.webhook}", "DELETE")
    named(patient, "webhooks", WARNING, "no webhook", "onsctl webhooks create")
    patient.webhook = patient.subscribe("--url", patient.stack.url + HOOK)
    is_well(patient)


def test_the_webhook_is_disabled(patient: Patient) -> None:
    patch(status="disabled")(patient)
    named(patient, "webhooks", FAILURE, "disabled: nothing is delivered",
          "onsctl webhooks create")
    patient.subscribe("--url", patient.stack.url + HOOK)
    is_well(patient)


def test_deliveries_are_refused(patient: Patient) -> None:
    stored = patient.stack.count()
    refused(patient)
    assert patient.stack.count() == stored
    named(patient, "webhooks", FAILURE, "refused with 401", "its secret",
          "onsctl webhooks test")


# --- pages not created ---

def test_cron_does_not_start_the_processor(patient: Patient) -> None:
    key = arrive(patient.stack)
    patient.sql("DELETE FROM last_run; UPDATE job SET run_at = run_at"
                " - interval '10 min';")
    assert "1 due; the oldest has been due for 1" in status(patient.stack)
    assert outcome(patient.stack, key) == ["waiting"]
    named(patient, "cron", FAILURE, "no ons-process was ever started", "/etc/cron.d")
    patient.stack.process()
    assert stands(patient.stack, key)


def test_notion_refuses_the_key(patient: Patient) -> None:
    stack = patient.stack
    key = arrive(stack)
    wrong = patient.config(notion__api_key="ntn_" + "not-a-key-of-theirs",
                           alert__webhook=None)
    stack.run("ons-process", "--drain", config=wrong)
    assert re.search(r"TROUBLE +notion since .*401", status(stack))
    named(patient, "notion", FAILURE, "401", "[notion] api_key", config=wrong)
    named(patient, "troubles", FAILURE, "401", config=wrong)
    is_well(patient)  # mended: doctor asks, and the trouble is over
    stack.process()
    assert stands(stack, key)


def test_notion_refuses_a_page(patient: Patient) -> None:
    stack = patient.stack
    fault(stack, service="notion", method="POST", path=r"/v1/pages(\?|$)",
          status=400, body={"object": "error", "status": 400,
                            "code": "validation_error",
                            "message": "what a test refuses"})
    key = arrive(stack)
    stack.process()
    assert "1 dead" in status(stack) and outcome(stack, key) == ["failed"]
    for command in (["jobs", "--dead"], ["show", key]):
        assert "what a test refuses" in re.sub(
            r"\s+", " ", stack.run("onsctl", *command).stdout)
    named(patient, "queue", WARNING, "1 jobs were given up",
          "onsctl jobs --dead", "onsctl retry --dead")
    stack.control("DELETE", "/faults")
    stack.run("onsctl", "retry", "--dead")
    stack.process()
    assert stands(stack, key)
    is_well(patient)


def test_the_number_is_left_out(stack: Stack, tmp_path: Path) -> None:
    key = arrive(stack)
    config = stack.variant(tmp_path, sync__ignore="+15550002222")
    stack.run("ons-process", "--drain", config=config)
    assert not stands(stack, key)
    assert stack.rows("SELECT FROM v_ignored WHERE resource_id = :'id'",
                      id=key)
    assert re.search(r"^ignored +\d+ calls and messages, by \[sync\]",
                     status(stack, config), flags=re.M)


# --- recordings not uploaded ---

def test_a_recording_is_on_another_host(patient: Patient) -> None:
    stack = patient.stack
    suffix = stack.fresh()
    stack.send(stack.load(RECORDING, suffix))
    stack.run("ons-process", "--drain",
              config=patient.config(media__hosts="m.openph.one"))
    [file] = stack.rows("SELECT * FROM v_media WHERE resource_id LIKE"
                        f" '%{suffix}'")
    assert file["state"] == "refused" and "not allowed" in file["reason"]
    named(patient, "recordings", WARNING, "1 files were not stored",
          "a host that is not allowed", "hosts in [media]", "onsctl replay")
    stack.run("onsctl", "replay", "--apply", file["resource_id"])
    stack.process()
    [file] = stack.rows("SELECT * FROM v_media WHERE resource_id LIKE"
                        f" '%{suffix}'")
    assert file["state"] == "stored"
    is_well(patient)


def test_recordings_cannot_be_fetched(patient: Patient) -> None:
    stack = patient.stack
    fault(stack, service="media", status=503)
    key = arrive(stack, RECORDING)
    stack.process()
    psql(stack.env, "UPDATE job SET run_at = now();")
    stack.process()
    assert stands(stack, key)  # without it
    assert "503" in stack.run("onsctl", "jobs").stdout
    named(patient, "recordings", WARNING, "1 pages lack a file", "503",
          "onsctl jobs")
    stack.control("DELETE", "/faults")
    stack.run("onsctl", "retry", key)
    stack.process()
    is_well(patient)


def test_the_storage_refuses(patient: Patient) -> None:
    stack = patient.stack
    config = patient.config(s3__bucket="no-such-bucket")
    key = arrive(stack, RECORDING)
    stack.run("ons-process", "--drain", config=config)
    assert stands(stack, key)
    assert "TROUBLE     storage since" in status(stack)
    named(patient, "storage", FAILURE, "[s3] bucket", config=config)


# --- rate limits ---

def test_notion_says_too_many_requests(patient: Patient) -> None:
    stack = patient.stack
    fault(stack, service="notion", path="/v1/pages", times=1, status=429,
          headers={"Retry-After": "600"})
    key = arrive(stack)
    stack.process()
    text = status(stack)
    assert re.search(r"^notion .*; PAUSED until .*429", text, flags=re.M)
    assert "1 waiting" in text and not stands(stack, key)
    named(patient, "queue", WARNING, "paused: notion until", "429",
          "lower rate in [notion]")


def test_the_rate_is_used_up(stack: Stack, tmp_path: Path) -> None:
    """Ours, before the service has to say anything."""
    config = stack.variant(tmp_path, notion__rate="2")
    for _ in range(4):
        arrive(stack)
    child = stack.start("ons-process", "--linger", config=config)
    try:
        until(lambda: re.search(r"^notion .*; 2 of 2 in the last",
                                status(stack, config), flags=re.M))
    finally:
        child.terminate()
        child.communicate(timeout=60)
    assert re.search(r"^jobs +\d (due|waiting)", status(stack, config),
                     flags=re.M)


# --- backlog ---

def test_a_backlog(patient: Patient) -> None:
    stack = patient.stack
    keys = [arrive(stack) for _ in range(5)]
    patient.sql("UPDATE job SET run_at = run_at - interval '2 hours';")
    assert "5 due; the oldest has been due for 2 h" in status(stack)
    named(patient, "queue", FAILURE, "due for 2 h", "onsctl jobs")
    stack.process()
    assert all(stands(stack, key) for key in keys)
    is_well(patient)


# --- missing history ---

RANGE = ("--since", "2026-02-01", "--until", "2026-03-31")


def test_calls_from_before_the_installation(patient: Patient) -> None:
    stack = patient.stack
    history = History(stack)
    keys = [history.call(1, "2026-02-01T10:00:00Z"),
            history.message(1, "2026-02-02T10:00:00Z")]
    arrive(stack)
    stack.process()
    named(patient, "history", OK, "pages begin with the first delivery (20",
          "onsctl backfill")
    args = (*RANGE, "--number", history.ours)
    dry = stack.run("onsctl", "backfill", *args).stdout
    assert "calls     1, " in dry and "messages  1, " in dry
    stack.run("onsctl", "backfill", *args, "--apply")
    stack.process()
    assert all(stands(stack, key) for key in keys)
    named(patient, "history", OK, "since 2026-02-01 is complete")


def test_a_backfill_that_is_not_complete(patient: Patient) -> None:
    stack = patient.stack
    history = History(stack)
    history.call(1, "2026-02-01T10:00:00Z")
    fault(stack, service="openphone", path="^/calls\\?.*2026-01-3",
          status=400)
    args = (*RANGE, "--number", history.ours, "--apply")
    stack.run("onsctl", "backfill", *args)
    stack.process()
    named(patient, "history", WARNING, "is incomplete", "400", "again")
    stack.control("DELETE", "/faults")
    stack.run("onsctl", "backfill", *args)
    stack.process()
    is_well(patient)


def test_a_delivery_that_was_lost(patient: Patient) -> None:
    stack = patient.stack
    history = History(stack)
    hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    key = history.call(1, hour_ago.strftime("%Y-%m-%dT%H:%M:%SZ"))
    done = stack.run("onsctl", "reconcile", "--since", "2h", expect=1)
    assert re.search(rf"^lost +call +{key} +open", done.stdout, flags=re.M)
    lost = stack.count("finding WHERE what = 'lost' AND repaired_at IS NULL")
    named(patient, "history", WARNING, f"{lost} lost", "onsctl reconcile",
          "--repair")
    stack.run("onsctl", "reconcile", "--since", "2h", "--repair",
              expect=None)
    stack.process()
    assert stands(stack, key)


# --- the list itself ---

def test_the_manual_has_the_symptoms() -> None:
    """Those of the list that operators of the original know."""
    manual = (Path(__file__).parents[2] / "man/openphone-notion-sync.7"
              ).read_text()
    items = re.findall(r"^\.It Sy (.*)$", manual, flags=re.M)
    for words in ("deliveries arrive", "but no pages", "lacks its recording",
                  "many jobs waiting", "before the installation"):
        assert any(words in item for item in items), words
