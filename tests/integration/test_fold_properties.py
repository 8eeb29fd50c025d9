"""The fold by properties: whatever comes in whatever order, however often,
and however stale, the same state and the same page come of it, byte for byte.

Histories are drawn by hypothesis from the sample deliveries of all generations
and from answers of both REST APIs, all told of one call or message, and folded
by foldcat (tests/unit/foldcat.c), which is the very code of ons-process. The
draws are the same in each run; HYPOTHESIS_EXAMPLES says how many there are.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import DELIVERIES, TOP
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import deliver

EXAMPLES = int(os.environ.get("HYPOTHESIS_EXAMPLES", "250"))
GENERATIONS = ("v2", "v3", "v4", "2026-03-30")
CALL, MESSAGE = "ACproperty01", "ACproperty02"

thorough = settings(max_examples=EXAMPLES, deadline=None, derandomize=True,
                    database=None,
                    suppress_health_check=list(HealthCheck))


class Foldcat:
    """A running foldcat: histories in, states or pages out."""

    def __init__(self, *args: str) -> None:
        folder = Path(os.environ.get("ONS_TEST_BIN") or TOP)
        program = "tests/unit/foldcat"
        if not (folder / program).exists():
            subprocess.run(["make", "-s", program], cwd=folder, check=True)
        self.child = subprocess.Popen([folder / program, *args],
                                      stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)

    def __call__(self, history: list[Any]) -> bytes:
        assert self.child.stdin and self.child.stdout
        lines = [json.dumps(item).encode() for item in history]
        self.child.stdin.write(b"\n".join([*lines, b"", b""]))
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        assert answer.endswith(b"\n"), "foldcat gave up"
        return answer

    def close(self) -> None:
        assert self.child.stdin
        self.child.stdin.close()
        assert self.child.wait(30) == 0


@pytest.fixture(scope="module", params=["state", "page"])
def fold(request: pytest.FixtureRequest) -> Iterator[Foldcat]:
    foldcat = Foldcat(*(["--page"] if request.param == "page" else []))
    yield foldcat
    foldcat.close()


@pytest.fixture(scope="module")
def states() -> Iterator[Foldcat]:
    foldcat = Foldcat()
    yield foldcat
    foldcat.close()


# ---- what may be said of one call, and of one message ----

def envelopes(kind: str, resource_id: str) -> list[dict[str, Any]]:
    """Every sample delivery of the kind, each told of the same resource."""
    found = []
    for generation in GENERATIONS:
        for path in sorted((DELIVERIES / generation).glob(f"{kind}.*.json")):
            envelope = json.loads(path.read_text())
            data = envelope["data"]
            thing = data.get("resource") or data["object"]
            thing["callId" if "callId" in thing else "id"] = resource_id
            found.append(envelope)
    return found


def rest(name: str, data: Any) -> dict[str, Any]:
    return {"rest": name, "data": data}


LINES = [{"content": "Good morning!", "start": 0.5, "end": 1.25,
          "identifier": "+15550001111", "userId": None},
         {"content": "Hello, Sam here 🙂", "start": 2, "end": 4.125,
          "identifier": "+15550002222", "userId": "UStest01"}]

REST_CALL = [
    # the dated API
    rest("call", {
        "id": CALL, "direction": "incoming", "status": "answered",
        "createdAt": "2026-04-13T09:15:02.110Z",
        "answeredAt": "2026-04-13T09:15:10Z",
        "completedAt": "2026-04-13T09:16:24Z",
        "updatedAt": "2026-04-13T09:17:30.000Z", "duration": 74,
        "phoneNumberId": "PNtest01", "conversationId": "CNtest01",
        "callRoute": "ring-group", "hasVoicemail": False,
        "participants": [
            {"phoneNumber": "+15550001111", "actorId": None},
            {"phoneNumber": "+15550002222", "actorId": "UStest01"}],
        "summary": {"status": "in-progress", "summary": [], "nextSteps": []},
        "voicemail": None}),
    # v1
    rest("call", {
        "id": CALL, "direction": "incoming", "status": "completed",
        "createdAt": "2026-04-13T09:15:02.110Z",
        "answeredAt": "2026-04-13T09:15:10.000Z",
        "completedAt": "2026-04-13T09:16:24.000Z",
        "updatedAt": "2026-04-13T09:16:24.522Z", "duration": 82,
        "answeredBy": "UStest01", "initiatedBy": None,
        "forwardedFrom": None, "forwardedTo": None, "aiHandled": None,
        "phoneNumberId": "PNtest01", "userId": "UStest01",
        "participants": ["+15550001111", "+15550002222"]}),
    rest("recordings", []),
    rest("recordings", [
        {"id": "CRpart01", "status": "completed", "type": "audio/mpeg",
         "url": "https://files.example/one.mp3", "duration": 40,
         "startTime": "2026-04-13T09:15:10.000Z"},
        {"id": "CRpart02", "status": "in-progress", "type": None,
         "url": None, "duration": None,
         "startTime": "2026-04-13T09:15:50.000Z"}]),
    rest("recordings", [
        {"id": "CRpart02", "status": "completed", "type": "audio/mpeg",
         "url": "https://files.example/two.mp3", "duration": 34,
         "startTime": "2026-04-13T09:15:50.000Z"}]),
    rest("summary", None),
    rest("summary", {"callId": CALL, "status": "completed",
                     "summary": ["They talked.", "It was short."],
                     "nextSteps": ["Call back on Monday."], "jobs": []}),
    rest("summary", {"callId": CALL, "status": "absent", "summary": None,
                     "nextSteps": None, "jobs": None}),
    rest("transcripts", None),
    rest("transcripts", {"callId": CALL, "status": "completed",
                         "createdAt": "2026-04-13T09:17:00.000Z",
                         "duration": 74.25, "dialogue": LINES}),
    rest("transcripts", [
        {"recordingId": "CRpart01", "status": "completed",
         "createdAt": "2026-04-13T09:17:01.000Z", "duration": 40,
         "startTime": "2026-04-13T09:15:10.000Z", "dialogue": LINES},
        {"recordingId": "CRpart02", "status": "in-progress",
         "createdAt": "2026-04-13T09:17:01.000Z", "dialogue": []}]),
    rest("voicemail", None),
    rest("voicemail", {"id": "VMpart01", "status": "completed",
                       "url": "https://files.example/voicemail.mp3",
                       "duration": 9, "transcript": "Please call back."}),
    rest("voicemail", {"id": None, "status": "absent", "url": None,
                       "duration": None, "transcript": None}),
]

REST_MESSAGE = [
    rest("message", {
        "id": MESSAGE, "direction": "incoming", "status": "delivered",
        "from": "+15550001111", "to": ["+15550002222"], "text": "Hello",
        "phoneNumberId": "PNtest01", "userId": "UStest01",
        "createdAt": "2026-04-14T08:00:00.000Z",
        "updatedAt": "2026-04-14T08:00:05.000Z"}),
    rest("message", {
        "id": MESSAGE, "direction": "incoming", "status": "received",
        "from": "+15550001111", "to": ["+15550002222", "+15550003333"],
        "text": "Hello both", "media": [
            {"url": "https://files.example/one.jpg", "type": "image/jpeg"}],
        "createdAt": "2026-04-14T08:00:00.000Z",
        "updatedAt": "2026-04-14T08:00:01.000Z"}),
]

CALL_PARTS = envelopes("call", CALL) + REST_CALL
MESSAGE_PARTS = envelopes("message", MESSAGE) + REST_MESSAGE


# ---- the same, with other times and values ----

WORDS = {"text": "an older text", "body": "an older text",
         "transcript": "older words", "content": "an older line",
         "url": "https://files.example/older", "duration": 1,
         "answeredBy": "USolder", "summary": ["older"],
         "nextSteps": ["older"], "fromPhoneNumber": "+15550009999"}
UNFINISHED = {"call": "in-progress", "message": "queued", "part": "in-progress"}


def outdated(value: Any, kind: str) -> Any:
    """The same object as it stood before: other words, and not finished."""
    if isinstance(value, list):
        return [outdated(item, kind) for item in value]
    if not isinstance(value, dict):
        return value
    known = "id" in value or "recordingId" in value
    ret = {}
    for name, inner in value.items():
        if name == "status":
            ret[name] = UNFINISHED[kind]
        elif name == "processingStatus":
            ret[name] = UNFINISHED["part"]
        elif name == "url" and not known:
            ret[name] = inner  # it is the recording's name
        elif name in WORDS and inner and not isinstance(inner, dict):
            ret[name] = WORDS[name]
        else:
            ret[name] = outdated(inner, kind)
    return ret


def moved(part: dict[str, Any], seconds: int) -> dict[str, Any]:
    return deliver.moved(part, timedelta(seconds=seconds))


def some(parts: list[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """A few parts, some of them as of another time, perhaps to the tie."""
    return st.lists(st.builds(moved, st.sampled_from(parts),
                              st.sampled_from([-86400, -1, 0, 0, 1, 3600])),
                    min_size=1, max_size=8)


histories = st.one_of(some(CALL_PARTS), some(MESSAGE_PARTS))


@thorough
@given(st.data())
def test_order_and_repetition_make_no_difference(
        fold: Foldcat, data: st.DataObject) -> None:
    history = data.draw(histories)
    again = data.draw(st.lists(st.sampled_from(history), max_size=6))
    other = data.draw(st.permutations(history + again))
    assert fold(history) == fold(other)


@pytest.mark.parametrize("parts", [CALL_PARTS, MESSAGE_PARTS],
                         ids=["call", "message"])
@thorough
@given(random=st.randoms(use_true_random=False))
def test_all_parts_at_once(fold: Foldcat, parts: list[dict[str, Any]],
                           random: Any) -> None:
    """Every delivery of every generation and every answer, shuffled."""
    shuffled = parts + random.choices(parts, k=10)
    random.shuffle(shuffled)
    assert fold(shuffled) == fold(parts)


@thorough
@given(st.data())
def test_a_stale_copy_changes_nothing(
        fold: Foldcat, data: st.DataObject) -> None:
    """An older copy of what is known, before, between or after."""
    kind = data.draw(st.sampled_from(["call", "message"]))
    history = data.draw(
        some([part for part in (CALL_PARTS if kind == "call"
                                else MESSAGE_PARTS) if has_moment(part)]))
    stale = [outdated(moved(part, -data.draw(st.integers(1, 10**6))), kind)
             for part in data.draw(st.lists(st.sampled_from(history),
                                            min_size=1, max_size=4))]
    mixed = data.draw(st.permutations(history + stale))
    assert fold(mixed) == fold(history)


def has_moment(part: dict[str, Any]) -> bool:
    """Answers without any time cannot be told to be older."""
    data = part.get("data")
    if "rest" not in part:
        return True
    if not isinstance(data, dict) or "updatedAt" not in data:
        return False
    return data.get("summary") is None


@thorough
@given(st.data())
def test_nothing_is_unlearnt(states: Foldcat, data: st.DataObject) -> None:
    """What was known stays known: more deliveries never remove a fact."""
    history = data.draw(histories)
    kept = data.draw(st.integers(1, len(history)))
    before = json.loads(states(history[:kept]))
    after = json.loads(states(history))
    assert paths(before["facts"]) <= paths(after["facts"])
    assert set(before["times"]) <= set(after["times"])


def paths(facts: Any, path: str = "") -> set[str]:
    if not isinstance(facts, dict):
        return {path}
    return {deep for name, inner in facts.items()
            for deep in paths(inner, f"{path}/{name}")}


def test_foldcat_can_tell_histories_apart(fold: Foldcat) -> None:
    """The properties would hold of a program that prints the same always."""
    one, other = CALL_PARTS[0], moved(CALL_PARTS[0], 3600)
    assert fold([one]) != fold([other])
    assert fold([one]) != fold([MESSAGE_PARTS[0]])
