"""What a call costs: the requests that reach Notion and OpenPhone for each
delivery, counted in the sandbox's record."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, texts

pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("known")]

ANSWERED, CALL, RECORDING, TRANSCRIPT, SUMMARY = (
    "2026-03-30/" + name for name in (
        "call.answered", "call.completed", "call.recording.completed",
        "call.transcript.completed", "call.summary.completed"))
SAMPLES_END = datetime(2026, 4, 13, 9, 16, 24, tzinfo=timezone.utc)


class Meter:
    """Reads the record from where it stood."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.read()

    def read(self) -> list[dict[str, Any]]:
        """What came since the last look."""
        with open(self.stack.env["SANDBOX_RECORD"], "rb") as record:
            record.seek(getattr(self, "position", 0))
            lines = record.readlines()
            self.position = record.tell()
        return [json.loads(line) for line in lines]

    def cost(self, service: str, *envelopes: dict[str, Any]) -> list[str]:
        """The requests that these deliveries cause, as METHOD kind."""
        self.read()
        self.stack.send(*envelopes)
        self.stack.process()
        return [f"{line['method']} {line['path'].split('?')[0]}"
                for line in self.read() if line["service"] == service]


@pytest.fixture
def meter(stack: Stack) -> Meter:
    """With the names known that the samples need."""
    suffix = stack.fresh()
    stack.send(recent(stack, CALL, suffix))
    stack.process()
    return Meter(stack)


@cache
def since(suffix: str) -> timedelta:
    """One for all deliveries of a call: its moments stay what they are."""
    return datetime.now(timezone.utc) - timedelta(minutes=2) - SAMPLES_END


def recent(stack: Stack, name: str, suffix: str) -> dict[str, Any]:
    """As if the call had ended two minutes ago; one that has been over for
    long is not waited for, but asked about."""
    return deliver.moved(stack.load(name, suffix), since(suffix))


def test_all_parts_at_once_cost_one_request(stack: Stack,
                                            meter: Meter) -> None:
    suffix = stack.fresh()
    life = [recent(stack, name, suffix)
            for name in (CALL, RECORDING, TRANSCRIPT, SUMMARY)]
    assert meter.cost("notion", *life) == ["POST /v1/pages"]


@pytest.mark.parametrize("order", [(RECORDING, TRANSCRIPT, SUMMARY),
                                   (RECORDING, SUMMARY, TRANSCRIPT)],
                         ids=["transcript-first", "summary-first"])
def test_a_later_part_costs_two_requests(
        stack: Stack, meter: Meter, order: tuple[str, ...]) -> None:
    """One for the columns, one for the body, wherever in it."""
    suffix = stack.fresh()
    call = recent(stack, CALL, suffix)
    # who answered is said by call.answered, or else first by the summary
    assert meter.cost("notion", recent(stack, ANSWERED, suffix),
                      call) == ["POST /v1/pages"]
    for name in order:
        cost = meter.cost("notion", recent(stack, name, suffix))
        assert [line.split("/")[0:3:2] for line in cost] == [
            ["PATCH ", "pages"], ["PATCH ", "blocks"]], (name, cost)
    body = texts(stack.page(deliver.resource_id(call)))
    parts = [body.index(words) for words in
             ("Answered by", "Summary", "Next steps", "Transcript")]
    assert parts == sorted(parts)


def test_dated_deliveries_need_no_question_to_openphone(
        stack: Stack, meter: Meter) -> None:
    suffix = stack.fresh()
    for name in (CALL, RECORDING, TRANSCRIPT, SUMMARY,
                 "2026-03-30/message.received-mms",
                 "2026-03-30/message.delivered"):
        assert meter.cost("openphone", recent(stack, name, suffix)) == [], name


def test_what_changes_nothing_costs_nothing(stack: Stack,
                                            meter: Meter) -> None:
    """The same delivery again, and the same news in a new delivery."""
    suffix = stack.fresh()
    life = [recent(stack, name, suffix)
            for name in (CALL, RECORDING, TRANSCRIPT, SUMMARY)]
    meter.cost("notion", *life)
    events = stack.count()
    assert meter.cost("notion", *life) == []
    assert stack.count() == events
    for envelope in life:
        envelope["id"] += "-again"
    assert meter.cost("notion", *life) == []
    assert stack.count() == events + len(life)


# ---- writes whose outcome is not known ----

def hurry(stack: Stack, key: str) -> None:
    """Do not wait for the time of the next attempt."""
    psql(stack.env, "UPDATE page SET written_at = written_at -"
         " interval '3 minutes' WHERE resource_id = :'key';"
         " UPDATE job SET run_at = now() WHERE resource_id = :'key';",
         key=key)
    stack.process()


@pytest.mark.parametrize("drop", ["before", "after"])
@pytest.mark.parametrize("lost", [1, 2])
def test_an_interrupted_write_is_not_doubled(
        stack: Stack, meter: Meter, drop: str, lost: int) -> None:
    """The connection breaks while sections are written, together and with a
    transcript too long for one request, before or after Notion did it."""
    suffix = stack.fresh()
    call, summary, transcript = (recent(stack, name, suffix)
                                 for name in (CALL, SUMMARY, TRANSCRIPT))
    lines = transcript["data"]["resource"]["dialogue"]
    words = "and so on " * 150
    transcript["data"]["resource"]["dialogue"] = [
        {**lines[number % 2], "content": f"Line {number}: {words}",
         "start": number, "end": number + 1} for number in range(400)]
    meter.cost("notion", call)
    if lost == 2:  # the first request gets through, the next one does not
        stack.control("POST", "/faults", {
            "service": "notion", "method": "PATCH", "path": "/children",
            "delay": 0.01})
    stack.control("POST", "/faults", {
        "service": "notion", "method": "PATCH", "path": "/children",
        "drop": drop})
    stack.send(summary, transcript)
    stack.process()
    key = deliver.resource_id(call)
    [job] = stack.rows("SELECT state FROM v_jobs WHERE resource_id = :'key'",
                       key=key)
    hurry(stack, key)
    assert stack.rows("SELECT * FROM v_jobs WHERE resource_id = :'key'",
                      key=key) == [], job
    body = texts(stack.page(key))
    for title in ("Summary", "Next steps", "Transcript"):
        assert body.split("\n").count(title) == 1
    for number in range(400):
        assert body.count(f"Line {number}:") == 1
    numbers = [int(part.split(":")[0]) for part in body.split("Line ")[1:]]
    assert numbers == sorted(numbers)
