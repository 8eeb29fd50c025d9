"""ons-webhook: what it accepts, what it refuses, what it stores."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import (
    DELIVERIES, TROUBLE, Answer, Stack, psql, request, until)
from private import fastcgi, parse_cgi, private_cluster, private_responder

import deliver

pytestmark = pytest.mark.sanitize

HOOK = deliver.WEBHOOK_PATH
NAMES = sorted(f"{path.parent.name}/{path.stem}"
               for path in DELIVERIES.glob("*/*.json"))


def signed(stack: Stack, body: bytes, age: float = 0) -> dict[str, str]:
    """Standard Webhooks headers for any bytes, signed that long ago."""
    return deliver.sign_standard(stack.env["ONS_WEBHOOK_SECRET"], body,
                                 f"msg_{stack.fresh()}", time.time() - age)


def legacy(stack: Stack, body: bytes, age: float = 0) -> dict[str, str]:
    return deliver.sign_legacy(stack.env["ONS_LEGACY_KEY"], body,
                               time.time() - age)


def cgi(stack: Stack, method: str, path: str = HOOK, body: bytes = b"",
        headers: dict[str, str] | None = None,
        config: Path | None = None, **env: str) -> Answer:
    """One request to ons-webhook as a plain CGI program."""
    variables = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": method,
                 "SCRIPT_NAME": path, "REQUEST_URI": path,
                 "DOCUMENT_URI": path, "QUERY_STRING": "",
                 "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
                 "CONTENT_TYPE": "application/json",
                 "CONTENT_LENGTH": str(len(body)) if body else ""}
    for name, value in (headers or {}).items():
        variables["HTTP_" + name.upper().replace("-", "_")] = value
    done = stack.run("ons-webhook", config=config, input=body,
                     env={**variables, **env})
    return parse_cgi(done.stdout)


def stored_now(stack: Stack) -> int:
    """What is stored, once nothing waits for its commit any more: a delivery
    that took too long is spooled, and may be stored all the same."""
    until(lambda: stack.request("GET", "/health").json["status"] == "healthy")
    return stack.count()


def refused(stack: Stack, answer: Answer, status: int, stored: int) -> None:
    """The answer says what was wrong, and nothing of it is stored."""
    assert answer.status == status, answer.body
    assert answer.json["error"] and answer.json["message"]
    assert answer.headers["Content-Type"].startswith("application/json")
    assert stack.count() == stored


# --- what is refused ---

@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_sender_may_probe_the_path(stack: Stack, method: str) -> None:
    answer = stack.request(method, HOOK)
    assert answer.status == 200
    assert method == "HEAD" or answer.json == {"status": "ready"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_not_allowed(stack: Stack, method: str) -> None:
    stored = stored_now(stack)
    answer = stack.request(method, HOOK, b"{}")
    refused(stack, answer, 405, stored)
    assert {"GET", "HEAD", "POST"} <= set(
        answer.headers["Allow"].replace(" ", "").split(","))


def test_health_takes_no_post(stack: Stack) -> None:
    refused(stack, stack.request("POST", "/health", b"{}"), 405,
            stored_now(stack))


@pytest.mark.parametrize("path", ["/", "/nope", HOOK + "x", HOOK + "/x",
                                  "/health/x"])
def test_unknown_paths_are_not_found(stack: Stack, path: str) -> None:
    body = json.dumps(stack.load("v4/call.ringing", stack.fresh())).encode()
    stored = stored_now(stack)
    refused(stack, stack.request("POST", path, body, signed(stack, body)),
            404, stored)


def test_a_query_string_does_no_harm(stack: Stack) -> None:
    body = json.dumps(stack.load("v4/call.ringing", stack.fresh())).encode()
    assert stack.request("POST", HOOK + "?a=b", body,
                         signed(stack, body)).status == 200


def test_too_large_is_refused_by_nginx(stack: Stack) -> None:
    stored = stored_now(stack)
    body = b" " * (16 * 1024 * 1024 + 1)
    refused(stack, stack.request("POST", HOOK, body, signed(stack, body)),
            413, stored)


def test_too_large_is_refused_without_nginx(stack: Stack) -> None:
    stored = stored_now(stack)
    body = b" " * (16 * 1024 * 1024 + 1)
    refused(stack, cgi(stack, "POST", body=body, headers=signed(stack, body)),
            413, stored)


def test_the_limit_itself_is_accepted(stack: Stack) -> None:
    envelope = stack.load("v4/message.received", stack.fresh())
    body = json.dumps(envelope).encode().ljust(16 * 1024 * 1024)
    assert stack.request("POST", HOOK, body,
                         legacy(stack, body)).status == 200


BODY = b'{"id":"EVrefused","type":"call.ringing","data":{"object":{}}}'


def spoiled(headers: dict[str, str], name: str, value: str | None,
            ) -> dict[str, str]:
    changed = {**headers, name: value}
    return {k: v for k, v in changed.items() if v is not None}


STANDARD_FAULTS: dict[str, tuple[str, str | None]] = {
    "no id": ("webhook-id", None),
    "no time": ("webhook-timestamp", None),
    "another id": ("webhook-id", "msg_other"),
    "another time": ("webhook-timestamp", str(int(time.time()) - 5)),
    "time is no number": ("webhook-timestamp", "now"),
    "empty signature": ("webhook-signature", ""),
    "not base64": ("webhook-signature", "v1,***"),
    "another version": ("webhook-signature", "v1a," + "A" * 43 + "="),
    "no version": ("webhook-signature", "A" * 43 + "="),
    "wrong": ("webhook-signature", "v1," + "A" * 43 + "="),
    "short": ("webhook-signature", "v1,AAAA"),
}


@pytest.mark.parametrize("fault", STANDARD_FAULTS)
def test_standard_signatures_must_match(stack: Stack, fault: str) -> None:
    stored = stored_now(stack)
    headers = spoiled(signed(stack, BODY), *STANDARD_FAULTS[fault])
    refused(stack, stack.request("POST", HOOK, BODY, headers), 401, stored)


LEGACY_FAULTS = {
    "no signature at all": None,
    "empty": "",
    "three fields": "hmac;1;1639710054089",
    "five fields": "hmac;1;1639710054089;AAAA;x",
    "another scheme": "sha256;1;{now};{mac}",
    "another version": "hmac;2;{now};{mac}",
    "another time": "hmac;1;{later};{mac}",
    "wrong": "hmac;1;{now};" + "A" * 43 + "=",
}


@pytest.mark.parametrize("fault", LEGACY_FAULTS)
def test_legacy_signatures_must_match(stack: Stack, fault: str) -> None:
    stored = stored_now(stack)
    _, _, now, mac = legacy(stack, BODY)["openphone-signature"].split(";")
    value = LEGACY_FAULTS[fault]
    headers = {} if value is None else {
        "openphone-signature": value.format(now=now, mac=mac,
                                            later=int(now) + 1)}
    refused(stack, stack.request("POST", HOOK, BODY, headers), 401, stored)


@pytest.mark.parametrize("sign", [signed, legacy])
@pytest.mark.parametrize("age", [310, -310])
def test_stale_signatures_are_refused(stack: Stack, sign: Any,
                                      age: int) -> None:
    stored = stored_now(stack)
    refused(stack, stack.request("POST", HOOK, BODY, sign(stack, BODY, age)),
            401, stored)


@pytest.mark.parametrize("sign", [signed, legacy])
def test_one_changed_byte_is_refused(stack: Stack, sign: Any) -> None:
    stored = stored_now(stack)
    headers = sign(stack, BODY)
    refused(stack, stack.request("POST", HOOK, BODY + b" ", headers), 401,
            stored)


@pytest.mark.parametrize("body", [
    b"", b"hello", b"{", b"[]", b"12", b'"text"', b"null", b"{}trailing",
    b"\xff\xfe", b"[" * 100000])
def test_what_is_not_a_json_object_is_refused(stack: Stack,
                                              body: bytes) -> None:
    stored = stored_now(stack)
    refused(stack, stack.request("POST", HOOK, body, signed(stack, body)),
            400, stored)


def test_a_body_cut_short_is_refused(stack: Stack) -> None:
    """The front server may give up in the middle of a body."""
    stored = stored_now(stack)
    answer = cgi(stack, "POST", body=BODY, headers=signed(stack, BODY),
                 CONTENT_LENGTH=str(len(BODY) + 10))
    refused(stack, answer, 400, stored)


# --- what is accepted ---

@pytest.mark.parametrize("name", NAMES)
def test_every_documented_event_is_stored(stack: Stack, name: str) -> None:
    envelope = stack.load(name, stack.fresh())
    stack.send(envelope)
    [row] = stack.rows("SELECT * FROM v_events WHERE event_id = :'id'",
                       id=envelope["id"])
    folder, _, event = name.partition("/")
    assert row["generation"] == {"v2": 1, "v3": 1, "v4": 2}.get(folder, 3)
    assert row["type"] == event.partition("-")[0]
    assert row["kind"] == event.partition(".")[0]
    assert row["resource_id"] == deliver.resource_id(envelope)
    assert row["note"] is None or row["outcome"] == "kept"


def test_the_bytes_are_kept_as_they_came(stack: Stack) -> None:
    envelope = stack.load("2026-03-30/message.received", stack.fresh())
    body = json.dumps(envelope, indent=3, ensure_ascii=False).encode()
    assert stack.request("POST", HOOK, body,
                         signed(stack, body)).status == 200
    [row] = stack.rows("""SELECT encode(body, 'base64') AS body FROM event e
        JOIN event_body b ON b.event_id = e.id WHERE e.event_id = :'id'""",
                       id=envelope["id"])
    assert base64.b64decode(row["body"]) == body


def test_a_repeated_delivery_is_stored_once(stack: Stack) -> None:
    for name in ("2026-03-30/call.completed", "v4/call.completed",
                 "v2/call.completed"):
        envelope = stack.load(name, stack.fresh())
        for _ in range(3):
            stack.send(envelope)
        assert len(stack.rows(
            "SELECT FROM v_events WHERE event_id = :'id'",
            id=envelope["id"])) == 1


def test_one_event_id_may_serve_several_events(stack: Stack) -> None:
    """The vendor's own samples do that."""
    suffix = stack.fresh()
    events = [stack.load(f"v4/call.{name}.completed", suffix)
              for name in ("summary", "transcript")]
    for event in events:
        event["id"] = "EVshared-" + suffix
    stack.send(*events)
    assert len(stack.rows("SELECT FROM v_events WHERE event_id = :'id'",
                          id="EVshared-" + suffix)) == 2


def test_unknown_events_are_kept_and_marked(stack: Stack) -> None:
    suffix = stack.fresh()
    events: list[dict[str, Any]] = [
        {"id": "EVa" + suffix, "type": "call.teleported",
         "data": {"resource": {"id": "ACx" + suffix}}},
        {"id": "EVb" + suffix, "type": "call.completed", "data": {}},
        {"id": "EVc" + suffix, "anything": [1, 2, 3]},
    ]
    stack.send(*events)
    rows = stack.rows("SELECT * FROM v_events WHERE event_id LIKE"
                      " 'EV_' || :'s'", s=suffix)
    assert len(rows) == 3
    assert all(row["note"] and row["outcome"] == "kept" for row in rows)


@pytest.mark.parametrize("text, repaired", [
    (r"a\u0000b", True), (r"a\ud800b", True), (r"\udfff", True),
    (r"\ud83d\ude00", False), ("\u202eright\u0301", False),
    ("\U0001f600" * 50, False)], ids=ascii)
def test_any_text_is_stored(stack: Stack, text: str, repaired: bool) -> None:
    suffix = stack.fresh()
    body = ('{"id":"EV%s","type":"message.received","apiVersion":"v4",'
            '"createdAt":"2026-03-16T10:20:15.342Z","data":{"object":'
            '{"id":"AC%s","object":"message","text":"%s"}}}'
            % (suffix, suffix, text)).encode()
    assert stack.request("POST", HOOK, body,
                         legacy(stack, body)).status == 200
    [row] = stack.rows("SELECT * FROM v_events WHERE event_id = :'id'",
                       id="EV" + suffix)
    assert row["resource_id"] == "AC" + suffix
    assert bool(row["note"]) == repaired


def test_a_thousand_deliveries_from_32_connections(stack: Stack) -> None:
    suffix = stack.fresh()
    name = "2026-03-30/call.completed"
    envelopes = [stack.load(name, f"{suffix}n{n}") for n in range(1000)]
    stack.send(*envelopes, connections=32)
    rows = stack.rows("SELECT event_id FROM v_events WHERE event_id LIKE"
                      " '%-' || :'s' || 'n%'", s=suffix)
    assert Counter(row["event_id"] for row in rows) == \
        Counter(envelope["id"] for envelope in envelopes)
    # these calls need no pages
    psql(stack.env, "DELETE FROM job WHERE resource_id LIKE"
         " '%-' || :'s' || 'n%';", s=suffix)


def test_several_keys_of_each_kind_are_tried(stack: Stack,
                                             tmp_path: Path) -> None:
    def key(size: int) -> str:
        return base64.b64encode(os.urandom(size)).decode()

    env = stack.env
    config = stack.variant(
        tmp_path,
        webhook__secrets_file=None,
        webhook__secrets=f"whsec_{key(24)} {env['ONS_WEBHOOK_SECRET']}",
        webhook__legacy_keys=f"{key(32)} {env['ONS_LEGACY_KEY']} {key(32)}")
    for sign in (signed, legacy):
        body = json.dumps(stack.load("v4/call.ringing",
                                     stack.fresh())).encode()
        assert cgi(stack, "POST", body=body, headers=sign(stack, body),
                   config=config).status == 200


def test_unsigned_only_where_the_configuration_says_so(
        stack: Stack, tmp_path: Path) -> None:
    body = json.dumps(stack.load("v4/call.ringing", stack.fresh())).encode()
    assert cgi(stack, "POST", body=body).status == 401
    config = stack.variant(tmp_path, webhook__allow_unsigned="yes")
    assert cgi(stack, "POST", body=body, config=config).status == 200
    wrong = {"webhook-id": "msg_x", "webhook-signature": "v1,AAAA",
             "webhook-timestamp": str(int(time.time()))}
    assert cgi(stack, "POST", body=body, headers=wrong,
               config=config).status == 401


# --- health, and the shapes in which it runs ---

def test_health(stack: Stack) -> None:
    answer = stack.request("GET", "/health")
    assert answer.status == 200
    assert answer.json["status"] == "healthy"
    assert answer.json["timestamp"].startswith("20")


def test_no_database_and_no_spool_means_try_again(
        stack: Stack, tmp_path: Path) -> None:
    """Through the whole life of a responder: its database comes, goes and
    comes back; it answers 503 in between and recovers by itself."""
    def call() -> tuple[str, Any]:
        envelope = stack.load("v4/call.ringing", stack.fresh())
        return deliver.resource_id(envelope), envelope

    with private_cluster(stack) as cluster:
        config = cluster.config(webhook__spool="/dev/null/spool")
        with private_responder(stack, config, cluster.folder) as responder:
            assert responder.is_("healthy")
            first, envelope = call()
            assert responder.post(envelope).status == 200
            cluster.stop()
            answer = responder.post(call()[1])
            assert answer.status == 503 and answer.json["error"]
            assert int(answer.headers["Retry-After"]) > 0
            answer = responder.health()
            assert answer.status == 503
            assert answer.json["status"] == "unhealthy"
            assert len(answer.json) >= 3  # with a reason
            cluster.start()
            until(lambda: responder.health().status == 200)
            last, envelope = call()
            assert responder.post(envelope).status == 200
            errors = responder.stop()
        assert "/dev/null/spool" in errors.splitlines()[0]
        assert "install -d" in errors.splitlines()[0]
        assert cluster.resources() == [first, last]


def test_a_socket_on_descriptor_0(stack: Stack, tmp_path: Path) -> None:
    """As systemd, spawn-fcgi and mod_fcgid start it."""
    name = str(tmp_path / "fd0.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(name)
        listening.listen(64)
        responder = stack.start("ons-webhook", stdin=listening)
        try:
            body = json.dumps(stack.load("v4/call.ringing",
                                         stack.fresh())).encode()
            assert fastcgi(name, "POST", HOOK, body,
                           legacy(stack, body)).status == 200
            assert fastcgi(name, "GET", HOOK).json == {"status": "ready"}
            responder.send_signal(signal.SIGTERM)
            _, errors = responder.communicate(timeout=20)
            assert responder.returncode == 0, errors
            assert not TROUBLE.search(errors.decode())
        finally:
            responder.kill()


def test_plain_cgi(stack: Stack) -> None:
    envelope = stack.load("v4/call.ringing", stack.fresh())
    body = json.dumps(envelope).encode()
    assert cgi(stack, "POST", body=body,
               headers=legacy(stack, body)).status == 200
    assert stack.rows("SELECT FROM v_events WHERE event_id = :'id'",
                      id=envelope["id"])
    assert cgi(stack, "GET").json == {"status": "ready"}
    assert cgi(stack, "GET", "/health").json["status"] == "healthy"
    assert cgi(stack, "PUT", body=b"x").status == 405
    assert cgi(stack, "GET", "/nope").status == 404


def test_the_restricted_role_can_do_nothing_else(stack: Stack) -> None:
    """ons_webhook stores deliveries; it reads and changes nothing."""
    env = {**os.environ, **stack.env, "PGUSER": "ons_webhook"}
    for statement in ("SELECT FROM event", "SELECT FROM v_calls",
                      "DELETE FROM job", "CREATE TABLE public.mine ()"):
        done = subprocess.run(["psql", "-XAt", "-c", statement], env=env,
                              capture_output=True, text=True, check=False)
        assert "permission denied" in done.stderr, statement


def test_the_restricted_role_does_not_get_the_owners_rights(
        stack: Stack) -> None:
    """A temporary table of its own is not taken for ours: its triggers would
    run with the rights of the owner."""
    env = {**stack.env, "PGUSER": "ons_webhook"}
    columns = ", ".join(
        f"{row['name']} {row['type']}" for row in stack.rows(
            "SELECT attname AS name, format_type(atttypid, NULL) AS type"
            "  FROM pg_attribute"
            " WHERE attrelid = 'event'::regclass AND attnum > 0"))
    key = stack.fresh()
    psql(env, f"""
        CREATE TEMP TABLE event ({columns}, UNIQUE (workspace, delivery_key));
        GRANT ALL ON pg_temp.event TO public;
        CREATE FUNCTION pg_temp.mine() RETURNS trigger LANGUAGE plpgsql
            AS $$ BEGIN RAISE 'as %', current_user; END $$;
        CREATE TRIGGER mine BEFORE INSERT ON pg_temp.event
            FOR EACH ROW EXECUTE FUNCTION pg_temp.mine();
        SELECT event_store('{{default}}', ARRAY[:'key'], '{{}}', '{{}}', '{{0}}',
            '{{other}}', '{{}}', '{{}}', '{{}}', '{{null}}', '{{""}}', '{{}}')""",
         key=key)
    assert stack.rows("SELECT FROM event WHERE delivery_key = :'key'", key=key)


def test_what_runs_as_the_owner_looks_for_temporary_tables_last(
        stack: Stack) -> None:
    paths = {row["name"]: row["path"] for row in stack.rows("""
        SELECT proname AS name, array_to_string(proconfig, ' ') AS path
          FROM pg_proc
         WHERE prosecdef AND pronamespace = 'public'::regnamespace""")}
    assert "event_store" in paths
    assert all(re.search(r"\bsearch_path=[^=]*, pg_temp\b", path or "")
               for path in paths.values()), paths


def test_the_portal_answers_what_it_does_not_know(stack: Stack) -> None:
    answer = request(f"{stack.url}/r/no-such-token")
    assert answer.status == 404
