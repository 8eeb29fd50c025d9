"""onsctl webhooks: subscriptions at OpenPhone and their secrets, and that
ons-webhook takes up a new secret while it runs."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import deliver
import pytest
from conftest import Stack, request, until
from test_intake import fastcgi

pytestmark = pytest.mark.sanitize

EX_USAGE, EX_DATAERR, EX_TEMPFAIL, EX_NOPERM, EX_CONFIG = 64, 65, 75, 77, 78
PREFIX = "whsec" + "_"
PATH = "/webhooks/openphone"


def secrets_file(stack: Stack) -> Path:
    return stack.state / "webhook.secrets"


def api(stack: Stack, path: str, method: str = "GET", body: Any = None) -> Any:
    """What OpenPhone says, asked by somebody else than us."""
    answer = request(
        stack.env["OPENPHONE_API_BASE"] + path, method,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": stack.env["OPENPHONE_API_KEY"],
         "Quo-Api-Version": "2026-03-30", "Content-Type": "application/json"})
    assert answer.status < 300, answer.body
    return answer.json["data"] if answer.body else None


def asked(stack: Stack) -> list[dict[str, Any]]:
    """The requests of webhooks that OpenPhone got, oldest first."""
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as record:
        return [line for line in map(json.loads, record)
                if line["service"] == "openphone"
                and "/webhooks" in line["path"]]


def all_of(stack: Stack) -> list[str]:
    """The ids of all webhooks, of both surfaces."""
    return [one["id"] for path in ("/webhooks", "/v1/webhooks")
            for one in api(stack, path)]


def marked(stack: Stack, identifier: str) -> list[str]:
    """The secrets that the file has of a webhook, newest first."""
    return re.findall(rf"^(\S+) # {identifier} \S+$",
                      secrets_file(stack).read_text(), re.MULTILINE)


def signed(stack: Stack, secret: str) -> int:
    """What a delivery of a task, signed so, is answered."""
    name = stack.fresh()
    body = json.dumps({
        "id": f"EV{name}", "apiVersion": "2026-03-30", "type": "task.created",
        "createdAt": "2026-11-22T12:00:00.000Z",
        "data": {"resource": {"id": f"TK{name}"}, "context": {}}}).encode()
    headers = deliver.sign_standard(secret, body, f"msg_{name}", time.time())
    return stack.request("POST", PATH, body, headers).status


@pytest.fixture(autouse=True)
def clean(stack: Stack) -> Iterator[None]:
    """Webhooks and secrets are gone after each test."""
    before = secrets_file(stack).read_text()
    yield
    stack.control("DELETE", "/faults")
    for identifier in all_of(stack):
        surface = "/v1/webhooks/" if identifier[0] == "W" else "/webhooks/"
        api(stack, surface + identifier, "DELETE")
    secrets_file(stack).write_text(before)
    secrets_file(stack).chmod(0o600)


def create(stack: Stack, *args: str) -> str:
    """A webhook by the command; its id."""
    done = stack.run("onsctl", "webhooks", "create", *args)
    found = re.match(r"(?:made|using) webhook (\d+):", done.stdout)
    assert found, done.stdout
    return found[1]


def test_from_nothing_to_a_delivery_that_arrived(stack: Stack) -> None:
    seen = len(asked(stack))
    identifier = create(stack)
    [made] = api(stack, "/webhooks")
    assert made["url"] == stack.url + PATH
    assert made["status"] == "enabled" and made["resourceIds"] == ["*"]
    assert {"call.completed", "message.received", "contact.updated",
            "task.created", "integration.created"} <= set(made["events"])
    [secret] = marked(stack, identifier)
    assert secret.startswith(PREFIX)
    assert secrets_file(stack).stat().st_mode & 0o777 == 0o600
    # it could not deliver before its secret was known
    [post] = [one for one in asked(stack)[seen:] if one["method"] == "POST"]
    assert post["body"]["status"] == "disabled"
    done = stack.run("onsctl", "webhooks", "test")
    assert "arrived" in done.stdout and secret not in done.stdout
    found = re.search(r"msg_\w+", done.stdout)
    assert found
    # a canary at no cost: it makes nothing due
    assert stack.rows("SELECT kind, outcome FROM v_events WHERE delivery_id"
                      " = :'id'", id=found[0]) == [
        {"kind": "task", "outcome": "kept"}]


def test_create_again_changes_nothing(stack: Stack) -> None:
    identifier = create(stack)
    before = secrets_file(stack).read_text()
    api(stack, f"/webhooks/{identifier}", "PATCH", {
        "status": "disabled", "events": ["call.completed"]})
    assert create(stack) == identifier
    assert secrets_file(stack).read_text() == before
    [again] = api(stack, "/webhooks")
    assert again["status"] == "enabled" and len(again["events"]) > 20


def test_one_that_somebody_else_made(stack: Stack) -> None:
    theirs = api(stack, "/webhooks", "POST", {
        "url": stack.url + PATH, "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "create", expect=EX_DATAERR)
    assert theirs["id"] in done.stderr and "--adopt" in done.stderr
    assert marked(stack, theirs["id"]) == []
    assert create(stack, "--adopt") == theirs["id"]
    [secret] = marked(stack, theirs["id"])
    assert secret != theirs["key"]
    stack.run("onsctl", "webhooks", "test", theirs["id"])


def test_two_for_one_address(stack: Stack) -> None:
    for _ in range(2):
        api(stack, "/webhooks", "POST", {
            "url": stack.url + PATH, "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "create", expect=EX_DATAERR)
    assert "2 webhooks" in done.stderr
    done = stack.run("onsctl", "webhooks", "test", expect=EX_DATAERR)
    assert "give its id" in done.stderr


def test_rotation(stack: Stack) -> None:
    """Both keys are good until the old one is dropped, and the running
    ons-webhook knows it at once each time."""
    identifier = create(stack)
    [first] = marked(stack, identifier)
    assert signed(stack, first) == 200
    done = stack.run("onsctl", "webhooks", "rotate")
    assert "rotate --finish" in done.stdout
    second, old = marked(stack, identifier)
    assert old == first != second
    assert signed(stack, second) == 200 and signed(stack, first) == 200
    assert "arrived" in stack.run("onsctl", "webhooks", "test").stdout
    said = json.loads(stack.run("onsctl", "webhooks", "test", "--json").stdout)
    assert said["type"] == "task.created" and said["delivery_id"] and said["id"]
    done = stack.run("onsctl", "webhooks", "rotate", expect=EX_DATAERR)
    assert "--finish" in done.stderr
    done = stack.run("onsctl", "webhooks", "rotate", "--finish",
                     expect=EX_DATAERR)
    assert "--now" in done.stderr
    stack.run("onsctl", "webhooks", "rotate", "--finish", "--now")
    assert marked(stack, identifier) == [second]
    assert signed(stack, second) == 200 and signed(stack, first) == 401
    done = stack.run("onsctl", "webhooks", "rotate", "--finish", identifier,
                     expect=EX_DATAERR)
    assert "no old secret" in done.stderr


def test_an_old_key_is_dropped_after_a_day(stack: Stack) -> None:
    identifier = create(stack)
    stack.run("onsctl", "webhooks", "rotate", identifier)
    text = secrets_file(stack).read_text()
    newest, _, rest = text.partition("\n")
    yesterday = time.strftime("%Y-%m-%dT%H:%M:%S.000Z",
                              time.gmtime(time.time() - 29 * 3600))
    secrets_file(stack).write_text(
        " ".join(newest.split()[:-1]) + f" {yesterday}\n" + rest)
    stack.run("onsctl", "webhooks", "rotate", "--finish", identifier)
    assert len(marked(stack, identifier)) == 1


def test_delete(stack: Stack) -> None:
    kept = secrets_file(stack).read_text()
    identifier = create(stack)
    [secret] = marked(stack, identifier)
    done = stack.run("onsctl", "webhooks", "delete", identifier)
    assert identifier in done.stdout
    assert api(stack, "/webhooks") == []
    assert secrets_file(stack).read_text() == kept
    assert signed(stack, secret) == 401
    done = stack.run("onsctl", "webhooks", "delete", identifier,
                     expect=EX_DATAERR)
    assert "no such webhook" in done.stderr
    # deleted in OpenPhone: its secret is what is left to drop
    identifier = create(stack)
    api(stack, f"/webhooks/{identifier}", "DELETE")
    done = stack.run("onsctl", "webhooks", "delete", identifier)
    assert "gone already" in done.stdout and not marked(stack, identifier)


def test_list(stack: Stack) -> None:
    assert "no webhooks" in stack.run("onsctl", "webhooks").stdout
    identifier = create(stack)
    theirs = api(stack, "/webhooks", "POST", {
        "url": "https://elsewhere.example/hook", "events": ["call.completed"]})
    old = api(stack, "/v1/webhooks/calls", "POST", {
        "url": "https://elsewhere.example/old", "resourceIds": ["*"],
        "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "list")
    for text in (identifier, theirs["id"], old["id"], "known",
                 "not in the file", "https://elsewhere.example/hook"):
        assert text in done.stdout
    shown = json.loads(stack.run("onsctl", "--json", "webhooks").stdout)
    assert [(one["id"], one["api"], one["secret"])
            for one in shown["webhooks"]] == [
        (identifier, "2026-03-30", "known"),
        (theirs["id"], "2026-03-30", "not in the file"),
        (old["id"], "v1", "not in the file")]
    for secret in marked(stack, identifier):
        assert secret not in done.stdout


def test_v1(stack: Stack) -> None:
    """Four webhooks, each with its own key; again is no change."""
    done = stack.run("onsctl", "webhooks", "create", "--v1")
    made = api(stack, "/v1/webhooks")
    assert len(made) == 4 and api(stack, "/webhooks") == []
    assert all(one["resourceIds"] == ["*"] and one["url"] == stack.url + PATH
               for one in made)
    for one in made:
        assert marked(stack, one["id"]) == [one["key"]]
        assert one["key"] not in done.stdout
        body = b'{"id":"EV%s","type":"task.created","data":{"object":{}}}' % (
            stack.fresh().encode())
        headers = deliver.sign_legacy(one["key"], body, time.time())
        assert stack.request("POST", PATH, body, headers).status == 200
    stack.run("onsctl", "webhooks", "create", "--v1")
    assert api(stack, "/v1/webhooks") == made
    for words in (("rotate",), ("test",)):
        done = stack.run("onsctl", "webhooks", *words, made[0]["id"],
                         expect=EX_DATAERR)
        assert "v1" in done.stderr
    # one that was made by hand: v1 tells its key
    stack.run("onsctl", "webhooks", "delete", made[0]["id"])
    api(stack, "/v1/webhooks/messages", "POST", {
        "url": stack.url + PATH, "resourceIds": ["*"],
        "events": ["message.received"]})
    stack.run("onsctl", "webhooks", "create", "--v1")
    after = api(stack, "/v1/webhooks")
    assert len(after) == 4
    assert all(marked(stack, one["id"]) == [one["key"]] for one in after)


def test_a_base_of_v1(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, openphone__api_base=stack.env[
        "OPENPHONE_API_BASE"] + "/v1")
    stack.run("onsctl", "webhooks", "create", config=config)
    assert len(api(stack, "/v1/webhooks")) == 4
    done = stack.run("onsctl", "webhooks", "list", config=config)
    assert done.stdout.count("v1") >= 4


def test_what_openphone_saw_when_it_does_not_arrive(stack: Stack) -> None:
    identifier = create(stack)
    text = secrets_file(stack).read_text()
    secrets_file(stack).write_text(text.replace(
        marked(stack, identifier)[0], PREFIX + "A" * 32))
    done = stack.run("onsctl", "webhooks", "test", "--timeout", "1",
                     expect=EX_TEMPFAIL)
    assert "did not arrive" in done.stderr and "401" in done.stderr
    other = api(stack, "/webhooks", "POST", {
        "url": "http://127.0.0.1:1/nobody", "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "test", "--timeout", "1",
                     other["id"], expect=EX_TEMPFAIL)
    assert "no answer" in done.stderr
    elsewhere = api(stack, "/webhooks", "POST", {
        "url": stack.url + "/elsewhere", "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "test", "--timeout", "1",
                     elsewhere["id"], expect=EX_TEMPFAIL)
    assert "404" in done.stderr


def test_nothing_is_asked_for_that_cannot_be_kept(
        stack: Stack, tmp_path: Path) -> None:
    """Errors of set-up come before the first change at OpenPhone."""
    seen = len(asked(stack))
    missing = tmp_path / "nowhere" / "secrets"
    cases = {
        "secrets_file": stack.variant(tmp_path, webhook__secrets_file=None,
                                      webhook__secrets=PREFIX + "A" * 32),
        str(missing): stack.variant(tmp_path,
                                    webhook__secrets_file=str(missing)),
        "base_url": stack.variant(tmp_path, media__base_url=None),
        "[openphone] api_key": stack.variant(tmp_path,
                                             openphone__api_key=None),
    }
    for words, config in cases.items():
        done = stack.run("onsctl", "webhooks", "create", config=config,
                         expect=EX_CONFIG)
        assert words in done.stderr
    done = stack.run("onsctl", "webhooks", "create", expect=EX_CONFIG,
                     env={"WEBHOOK_SECRET": PREFIX + "A" * 32})
    assert "WEBHOOK_SECRET" in done.stderr
    done = stack.run("onsctl", "webhooks", "create", "--url",
                     "ftp://phone.example/hook", expect=EX_CONFIG)
    assert "https://" in done.stderr
    config = stack.variant(tmp_path, openphone__api_base="https://127.0.0.1:1")
    done = stack.run("onsctl", "webhooks", "create", "--url",
                     "http://phone.example/hook", config=config,
                     expect=EX_CONFIG)
    assert "https://" in done.stderr
    full = tmp_path / "full"
    full.touch(0o600)
    full.write_text("\n".join(PREFIX + chr(65 + n) * 32 for n in range(16)))
    config = stack.variant(tmp_path, webhook__secrets_file=str(full))
    done = stack.run("onsctl", "webhooks", "create", config=config,
                     expect=EX_CONFIG)
    assert "more than 16" in done.stderr
    assert not asked(stack)[seen:]


def test_refusals(stack: Stack, tmp_path: Path) -> None:
    done = stack.run("onsctl", "webhooks", "create", expect=EX_NOPERM,
                     env={"OPENPHONE_API_KEY": "wrong"})
    assert "401" in done.stderr
    stack.control("POST", "/faults", {
        "service": "openphone", "method": "POST", "path": "/webhooks$",
        "status": 403})
    done = stack.run("onsctl", "webhooks", "create", expect=EX_NOPERM)
    assert "403" in done.stderr
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "/webhooks$", "status": 404})
    done = stack.run("onsctl", "webhooks", "create", expect=EX_NOPERM)
    assert "404" in done.stderr
    for number in range(50):
        api(stack, "/webhooks", "POST", {
            "url": f"https://phone.example/{number}",
            "events": ["call.completed"]})
    done = stack.run("onsctl", "webhooks", "create", expect=EX_DATAERR)
    assert "50 webhooks" in done.stderr
    for words in (("rotate", "4711"), ("test", "4711")):
        done = stack.run("onsctl", "webhooks", *words, expect=EX_DATAERR)
        assert "no such webhook" in done.stderr
    for wrong in (["delete"], ["list", "1"], ["mend"], ["test", "1", "2"],
                  ["test", "--timeout", "soon"], ["create", "1"]):
        stack.run("onsctl", "webhooks", *wrong, expect=EX_USAGE)


def test_lost_answers(stack: Stack) -> None:
    """The key of a webhook is told once; what came of a lost answer is found
    and put right by doing it again."""
    stack.control("POST", "/faults", {
        "service": "openphone", "method": "POST", "path": "/webhooks$",
        "drop": "after"})
    stack.run("onsctl", "webhooks", "create", expect=EX_TEMPFAIL)
    [lost] = api(stack, "/webhooks")
    assert lost["status"] == "disabled"
    assert create(stack, "--adopt") == lost["id"]
    assert "arrived" in stack.run("onsctl", "webhooks", "test").stdout
    stack.control("POST", "/faults", {
        "service": "openphone", "path": "/rotate$", "drop": "after"})
    done = stack.run("onsctl", "webhooks", "rotate", expect=EX_TEMPFAIL)
    assert "do it again" in done.stderr
    stack.run("onsctl", "webhooks", "rotate")
    assert "arrived" in stack.run("onsctl", "webhooks", "test").stdout
    # enabling failed: the secret is kept, and create finishes it
    stack.run("onsctl", "webhooks", "delete", lost["id"])
    stack.control("POST", "/faults", {
        "service": "openphone", "method": "PATCH", "path": "/webhooks/",
        "status": 500})
    stack.run("onsctl", "webhooks", "create", expect=EX_TEMPFAIL)
    [left] = api(stack, "/webhooks")
    assert left["status"] == "disabled" and marked(stack, left["id"])
    assert create(stack) == left["id"]


def start_webhook(stack: Stack, config: Path, socket: Path) -> (
        subprocess.Popen[bytes]):
    child = stack.start("ons-webhook", "-s", str(socket), config=config)
    until(socket.exists)
    return child


def test_a_file_that_is_yet_to_come(stack: Stack, tmp_path: Path) -> None:
    """The service may be started before there is a secret; a file that is
    unusable, or gone, changes nothing."""
    path = tmp_path / "secrets"
    config = stack.variant(tmp_path, webhook__secrets_file=str(path),
                           webhook__legacy_keys=None)
    done = stack.run("onsctl", "check-config", config=config)
    assert "onsctl webhooks create" in done.stderr
    secret = PREFIX + "A" * 32

    def answer() -> int:
        body = b'{"id":"EV1","type":"task.created","data":{"resource":{}}}'
        headers = deliver.sign_standard(secret, body, "msg_" + stack.fresh(),
                                        time.time())
        return fastcgi(str(socket), "POST", PATH, body, headers).status

    socket = tmp_path / "webhook.sock"
    child = start_webhook(stack, config, socket)
    try:
        assert answer() == 401
        path.touch(0o600)
        path.write_text(f"{secret} # 900001 2026-11-22T12:00:00.000Z\n")
        assert answer() == 200
        path.chmod(0o604)
        assert answer() == 200
        path.unlink()
        assert answer() == 200
        path.touch(0o600)
        path.write_text("# none\n")
        assert answer() == 401
    finally:
        child.terminate()
        _, said = child.communicate(timeout=30)
    assert b"no signing secret" in said and b"chmod" in said
    assert secret.encode() not in said
