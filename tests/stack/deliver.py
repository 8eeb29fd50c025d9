#!/usr/bin/python3
"""Play OpenPhone: sign webhook deliveries and POST them to a stack.

    deliver.py --env DIR/env [--connections N] [--copies N] FILE...

FILE holds one delivery as JSON, as those under tests/deliveries do; the
placeholder {{MEDIA}} in it becomes the address of the sandbox's media host.
The body goes out compact, as OpenPhone sends it. Deliveries of the dated API
are signed by Standard Webhooks, older ones by the scheme of their time.
With --copies, each file is sent that many times with ids of its own.

Prints a line for each delivery and a closing line; exit status 1 when one of
them was not accepted. A second run sends the same deliveries again, as a
sender that had no answer would: same bodies, same delivery ids.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import http.client
import json
import shlex
import sys
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

WEBHOOK_PATH = "/webhooks/openphone"


@dataclass(frozen=True)
class Delivery:
    """One body as it goes over the wire, and what a person calls it."""

    name: str
    body: bytes
    dated: bool  # of the dated API, hence signed by Standard Webhooks


@dataclass(frozen=True)
class Answer:
    """What came back; status 0 when no answer came."""

    delivery: Delivery
    status: int
    text: str

    @property
    def accepted(self) -> bool:
        return 200 <= self.status < 300


def read_env(path: Path) -> dict[str, str]:
    """The variables of a file of shell assignments."""
    words = shlex.split(path.read_text(), comments=True)
    return dict(word.split("=", 1) for word in words if "=" in word)


def load(path: Path, media: str) -> dict[str, Any]:
    """A delivery file, its media links pointing to a real host."""
    return json.loads(path.read_text().replace("{{MEDIA}}", media))


def delivery(name: str, envelope: Any) -> Delivery:
    """The compact body for an envelope, and the generation it is of."""
    body = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    dated = isinstance(envelope, dict) and \
        "resource" in (envelope.get("data") or {})
    return Delivery(name, body.encode(), dated)


def resource_id(envelope: dict[str, Any]) -> str:
    """The id of the call, message or other thing that the event is about."""
    data = envelope["data"]
    thing = data.get("resource") or data.get("object")
    return thing.get("callId") or thing["id"]


def copy_of(envelope: dict[str, Any], number: int) -> dict[str, Any]:
    """The same event of another resource: all its ids end in the number."""
    text = json.dumps(envelope)
    for old in {envelope["id"], resource_id(envelope)}:
        text = text.replace(old, f"{old}-{number}")
    return json.loads(text)


MOMENTS = ("createdAt", "updatedAt", "answeredAt", "completedAt", "startTime")


def moved(value: Any, by: timedelta) -> Any:
    """The same envelope, all its moments earlier or later."""
    if isinstance(value, list):
        return [moved(item, by) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: (datetime.fromisoformat(inner.replace("Z", "+00:00")) + by)
            .isoformat(timespec="milliseconds").replace("+00:00", "Z")
            if name in MOMENTS and isinstance(inner, str)
            else moved(inner, by) for name, inner in value.items()}


def mac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def sign_standard(secret: str, body: bytes, message_id: str,
                  now: float) -> dict[str, str]:
    """The three headers of Standard Webhooks; the time is in seconds."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    stamp = str(int(now))
    signed = f"{message_id}.{stamp}.".encode() + body
    return {"webhook-id": message_id, "webhook-timestamp": stamp,
            "webhook-signature": "v1," + mac(key, signed)}


def sign_legacy(key: str, body: bytes, now: float) -> dict[str, str]:
    """The one header of older webhooks; the time is in milliseconds."""
    stamp = str(int(now * 1000))
    signed = f"{stamp}.".encode() + body
    return {"openphone-signature":
            f"hmac;1;{stamp};{mac(base64.b64decode(key), signed)}"}


def sign(item: Delivery, env: dict[str, str]) -> dict[str, str]:
    """All headers of a delivery. A retry has the same id: it follows from
    the body here."""
    if item.dated:
        message_id = "msg_" + hashlib.sha256(item.body).hexdigest()[:24]
        headers = sign_standard(env["ONS_WEBHOOK_SECRET"], item.body,
                                message_id, time.time())
    else:
        headers = sign_legacy(env["ONS_LEGACY_KEY"], item.body, time.time())
    return {"Content-Type": "application/json", **headers}


def send(items: Iterable[Delivery], env: dict[str, str],
         connections: int = 1) -> list[Answer]:
    """POST all of them, each connection taking the next one that waits."""
    url = urlsplit(env["ONS_URL"])
    waiting = iter(list(items))
    lock = threading.Lock()
    answers: list[Answer] = []

    def run() -> None:
        peer = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
        while True:
            with lock:
                item = next(waiting, None)
            if item is None:
                break
            try:
                peer.request("POST", WEBHOOK_PATH, item.body, sign(item, env))
                response = peer.getresponse()
                text = response.read().decode(errors="replace").strip()
                answer = Answer(item, response.status, text)
            except (OSError, http.client.HTTPException) as problem:
                peer.close()
                answer = Answer(item, 0, repr(problem))
            with lock:
                answers.append(answer)
        peer.close()

    threads = [threading.Thread(target=run) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Sign webhook deliveries and POST them to a stack.")
    parser.add_argument("--env", required=True, type=Path, metavar="FILE",
                        help="the stack's variables, as quickstart.sh up "
                        "leaves them")
    parser.add_argument("--connections", type=int, default=1, metavar="N")
    parser.add_argument("--copies", type=int, default=0, metavar="N")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    args = parser.parse_args()

    env = read_env(args.env)
    items = []
    for path in args.files:
        name = f"{path.parent.name}/{path.stem}"
        envelope = load(path, env.get("SANDBOX_MEDIA", ""))
        items += [delivery(name, copy_of(envelope, number))
                  for number in range(args.copies)] or \
            [delivery(name, envelope)]
    answers = send(items, env, args.connections)
    for answer in answers:
        trouble = "" if answer.accepted else "  " + answer.text
        print(f"{answer.status:3}  {answer.delivery.name}{trouble}")
    accepted = sum(answer.accepted for answer in answers)
    print(f"{len(answers)} sent, {accepted} accepted")
    return 0 if accepted == len(answers) else 1


if __name__ == "__main__":
    sys.exit(main())
