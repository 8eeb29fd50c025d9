"""A page is created once, whatever becomes of the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import deliver
import pytest
from conftest import Stack, psql, until

pytestmark = [pytest.mark.sanitize, pytest.mark.usefixtures("known")]

MESSAGE = "2026-03-30/message.received"
CREATES = 60  # under each fault


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    stack.process()
    yield
    stack.control("DELETE", "/faults")
    stack.control("POST", "/lag", {"seconds": 0})
    psql(stack.env, "DELETE FROM trouble; DELETE FROM bucket;"
         " DELETE FROM job;")


def pages_of(stack: Stack, keys: list[str]) -> Counter[str]:
    """How many pages carry each id, as people see it in Notion."""
    found: Counter[str] = Counter()
    for page in stack.control("GET", "/notion/pages"):
        for value in page["properties"].values():
            text = "".join(item["plain_text"]
                           for item in value.get("rich_text", []))
            if text in keys:
                found[text] += 1
    return found


def events(stack: Stack, n: int) -> list[str]:
    made = [stack.load(MESSAGE, stack.fresh()) for _ in range(n)]
    stack.send(*made, connections=4)
    return [deliver.resource_id(event) for event in made]


def later(stack: Stack) -> None:
    """Three minutes pass: for jobs, intents and the queries' lag."""
    stack.control("POST", "/lag", {"seconds": 0})
    psql(stack.env, "UPDATE page SET intent_at = intent_at -"
         " interval '3 minutes'; UPDATE job SET run_at = now();"
         " UPDATE bucket SET paused_until = NULL;")


FAULTS: dict[str, dict[str, Any]] = {
    "reset-before": {"drop": "before"},
    "reset-after": {"drop": "after"},
    "saved-503": {"committed": True},
    "unsaved-503": {"status": 503},
    "lost-503": {"status": 503, "after": True},
    "500": {"status": 500, "after": True},
    "502-html": {"status": 502, "body": "<html>", "after": True},
    "504": {"status": 504, "after": True},
    "log-in page": {"status": 200, "body": "<html>"},
    "empty": {"status": 200, "body": "", "after": True},
    "half": {"truncate": 20},
    "409": {"status": 409},
    "429": {"status": 429, "headers": {"Retry-After": "1"}, "times": 8},
    "529": {"status": 529, "headers": {"Retry-After": "1"}, "times": 8},
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_page_is_made_once(stack: Stack, name: str) -> None:
    """The fault meets half of the creations; queries lag a minute behind."""
    stack.control("POST", "/lag", {"seconds": 60})
    keys = events(stack, CREATES)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": r"/v1/pages$",
        "times": CREATES // 2, **FAULTS[name]})
    for _ in range(3):  # looks that see nothing yet prove nothing
        stack.run("ons-process", "--drain", "-w", "3")
        psql(stack.env, "UPDATE job SET run_at = now();"
             " UPDATE bucket SET paused_until = NULL;")
    assert max(pages_of(stack, keys).values()) == 1
    later(stack)
    until(lambda: stack.run("ons-process", "--drain", "-w", "3")
          and not stack.count("job"))
    assert pages_of(stack, keys) == Counter(keys)


def test_several_pages_are_told_of_once(stack: Stack) -> None:
    """Somebody copied a page, say: the oldest is kept up, none is deleted."""
    [key] = events(stack, 1)
    stack.process()
    # as if the answer to its creation had been lost, and another was made
    psql(stack.env, "DELETE FROM page WHERE resource_id = :'id';"
         " SELECT job_due('default', 'message', :'id', 0);", id=key)
    stack.process()
    [second] = stack.rows("SELECT page_id FROM page WHERE resource_id = :'id'",
                          id=key)
    psql(stack.env, "UPDATE page SET state = 'intent', page_id = NULL"
         " WHERE resource_id = :'id';"
         " SELECT job_due('default', 'message', :'id', 0);", id=key)
    log = stack.run("ons-process", "--drain").stderr
    [row] = stack.rows("SELECT page_id, doubles FROM v_pages"
                       " WHERE resource_id = :'id'", id=key)
    pages = [page for page in stack.control("GET", "/notion/pages")
             if key in str(page["properties"])]
    ids = [page["id"] for page in pages]
    # Notion tells the minute; within one the ids decide, for everybody alike
    assert len(ids) == 2 and row["page_id"] == min(
        (page["created_time"][:16], page["id"]) for page in pages)[1]
    other = next(one for one in ids if one != row["page_id"])
    address = "https://www.notion.so/" + other.replace("-", "")
    assert second["page_id"] in ids and row["doubles"] == [address]
    assert log.count(address) == 1
    psql(stack.env, "SELECT job_due('default', 'message', :'id', 0);", id=key)
    assert "carry this id" not in stack.run("ons-process", "--drain").stderr
    assert address in stack.run("onsctl", "show", key).stdout


def test_an_unshared_database_is_no_proof_of_absence(stack: Stack) -> None:
    """The look-up is refused: the page may still be there."""
    [key] = events(stack, 1)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": r"/v1/pages$",
        "drop": "after"})
    stack.process()
    stack.control("POST", "/faults", {
        "service": "notion", "path": "/query", "times": -1, "status": 404})
    later(stack)
    stack.process()
    assert stack.rows("SELECT state FROM page WHERE resource_id = :'id'",
                      id=key) == [{"state": "intent"}]
    stack.control("DELETE", "/faults")
    psql(stack.env, "UPDATE trouble SET next_at = now();"
         " UPDATE job SET run_at = now();")
    stack.process()
    assert pages_of(stack, [key]) == Counter([key])


def test_a_dead_creation_that_is_tried_again(stack: Stack) -> None:
    """Given up while nobody knew; it is looked for before it is made."""
    [key] = events(stack, 1)
    stack.control("POST", "/faults", {
        "service": "notion", "method": "POST", "path": r"/v1/pages$",
        "drop": "after"})
    stack.process()
    psql(stack.env, "UPDATE job SET dead = true WHERE resource_id = :'id';",
         id=key)
    later(stack)
    psql(stack.env, "SELECT job_due('default', 'message', :'id', 0);", id=key)
    stack.process()
    assert pages_of(stack, [key]) == Counter([key])
    assert stack.rows("SELECT state FROM page WHERE resource_id = :'id'",
                      id=key) == [{"state": "written"}]
