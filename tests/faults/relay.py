"""Something between the programs and the storage that can go wrong, with the
sandbox's means."""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from integration import TOP

sys.path.insert(0, str(TOP / "tests" / "sandbox"))

from faults import Faults  # noqa: E402  (found by the line above)
from http_service import Request, Response, Server, Service  # noqa: E402

# Of one connection only; the rest is passed on as it is, for it is signed.
HOP = {"connection", "keep-alive", "transfer-encoding", "expect"}


class Relay(Service):
    name = "s3"

    def __init__(self, target: str) -> None:
        self.target = urlsplit(target)
        self.faults = Faults()

    def handle(self, request: Request) -> Response:
        peer = http.client.HTTPConnection(
            self.target.hostname or "", self.target.port, timeout=60)
        with contextlib.closing(peer):
            peer.putrequest(request.method, request.target, skip_host=True,
                            skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in HOP:
                    peer.putheader(name, value)
            peer.endheaders(request.raw)
            answer = peer.getresponse()
            kept = {name: value for name, value in answer.getheaders()
                    if name.lower() not in HOP}
            return Response(answer.status, answer.read(), kept)

    def error_body(self, status: int) -> str:
        return f"<?xml version='1.0'?><Error><Code>E{status}</Code></Error>"

    def control(self, method: str, path: str, data: Any = None) -> Any:
        """What the sandbox's control port has for faults."""
        assert path == "/faults"
        if method == "POST":
            return {"id": self.faults.add(json.loads(json.dumps(data)))}
        if method == "DELETE":
            self.faults.clear()
        return self.faults.listing()


@contextlib.contextmanager
def relay(target: str) -> Iterator[tuple[Relay, str]]:
    """A relay to that server, and its address."""
    service = Relay(target)
    server = Server(service, service.faults)
    server.start()
    try:
        yield service, server.url
    finally:
        server.shutdown()
        server.server_close()
