"""A small threaded HTTP/1.1 server that records, counts and disturbs.

Every service of the sandbox (OpenPhone, Notion, the media host) is a Service:
it turns a Request into a Response.  What all of them share is here: reading a
request, scripted faults, the record, and sending the answer.
"""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from faults import Fault, Faults
from record import Record

Json = Any

# Below this an answer is not worth compressing; web servers think alike.
GZIP_FROM = 1400
# More than any service accepts; each has its own, smaller limit.
BODY_LIMIT = 64 << 20


@dataclass
class Request:
    """One request as it came in."""

    method: str
    target: str
    headers: Any  # an email.message.Message: look-ups ignore case
    raw: bytes = b""
    form: dict[str, Json] | None = None  # of multipart bodies, for the record
    arrived: datetime = field(
        default_factory=lambda: datetime.now(timezone.utc))

    def __post_init__(self) -> None:
        parts = urlsplit(self.target)
        self.path: str = parts.path
        self.query: dict[str, list[str]] = parse_qs(
            parts.query, keep_blank_values=True)

    def header(self, name: str) -> str | None:
        return self.headers.get(name)

    def segments(self) -> list[str]:
        """The path in its decoded pieces: /v1/pages/a%5B -> v1, pages, a[."""
        return [unquote(part) for part in self.path.split("/")[1:]]

    def recorded_body(self) -> Json:
        """The body as the record shows it."""
        if not self.raw or self.form is not None:
            return None
        try:
            return json.loads(self.raw)
        except ValueError:
            return self.raw.decode("utf-8", "replace")


@dataclass
class Stream:
    """A body too large to be held: its size, and its pieces when sent."""

    size: int
    pieces: Iterator[bytes]


@dataclass
class Response:
    """An answer; body is JSON unless content_type says otherwise."""

    status: int
    body: Json = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = None
    refused: bool = False  # by the service's own rules, not by a fault

    def encoded(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False,
                          separators=(",", ":")).encode()

    def mime(self) -> str | None:
        if self.content_type is not None or self.body is None:
            return self.content_type
        return "application/json; charset=utf-8"

    def recorded_body(self) -> Json:
        return None if isinstance(self.body, (bytes, Stream)) else self.body


class Service:
    """What a server serves.  Subclasses override handle and error_body."""

    name = "service"
    compresses = False

    def handle(self, request: Request) -> Response:
        raise NotImplementedError

    def error_body(self, status: int) -> Json:
        """The service's own error body, for faults that name a status only."""
        return {"status": status, "message": HTTPStatus(status).phrase}

    def committed(self, request: Request, response: Response) -> Response:
        """503 after the effect; only Notion says what it has saved."""
        return Response(503, self.error_body(503))


class Stats:
    """Counts of answers, and each refusal, for tests to look at."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self.counts: dict[str, dict[str, int]] = {}
            self.violations: list[dict[str, Json]] = []

    def add(self, service: str, request: Request,
            response: Response | None) -> None:
        status = str(response.status) if response else "dropped"
        with self._lock:
            of_service = self.counts.setdefault(service, {})
            of_service[status] = of_service.get(status, 0) + 1
            if response and response.refused and response.status in (400, 429):
                self.violations.append({
                    "service": service, "method": request.method,
                    "path": request.target, "status": response.status,
                    "response": response.recorded_body()})

    def report(self) -> dict[str, Json]:
        with self._lock:
            return {"counts": json.loads(json.dumps(self.counts)),
                    "violations": list(self.violations)}


def cut(pieces: Iterator[bytes], most: int | None) -> Iterator[bytes]:
    """The pieces up to so many bytes in all."""
    for piece in pieces:
        if most is not None:
            piece, most = piece[:most], most - min(most, len(piece))
        yield piece
        if most == 0:
            return


class Server(ThreadingHTTPServer):
    """One port, one service.  Without a record it is the control port."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, service: Service, faults: Faults | None = None,
                 record: Record | None = None,
                 stats: Stats | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.service = service
        self.faults = faults
        self.record = record
        self.stats = stats

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.05,),
                         daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is its own affair; the rest is ours."""
        if not isinstance(sys.exc_info()[1], (ConnectionError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        raw = self._read_body()
        request = Request(self.command, self.path, self.headers, raw or b"")
        if raw is None:
            self._note(request, Response(413))
            self._send(Response(413), head=False)
            self.close_connection = True
            return
        fault = (self.server.faults.take(self.server.service.name,
                                         request.method, request.target)
                 if self.server.faults else None)
        try:
            response = (self._disturbed(request, fault) if fault
                        else self._ask(request))
            self._note(request, response)
        finally:
            if fault and self.server.faults:
                self.server.faults.noted(fault)
        if response is None:
            self._reset()
        elif fault and fault.endless:
            self._send_on(response)
        elif fault and fault.truncate is not None:
            self._send(response, head=False, most=fault.truncate)
            self.close_connection = True
        else:
            self._send(response, head=request.method == "HEAD")

    def _disturbed(self, request: Request, fault: Fault) -> Response | None:
        """The answer, or None where the connection is to be dropped."""
        fault.over.wait(fault.delay)
        if fault.late:
            timer = threading.Timer(fault.late, self._ask, (request,))
            timer.daemon = True
            timer.start()
            return None if fault.drop else self._faulted(fault)
        if fault.drop == "before":
            return None
        if fault.status is not None and not fault.after:
            return self._faulted(fault)
        response = self._ask(request)
        fault.over.wait(fault.hang)
        if fault.drop == "after":
            return None
        if fault.committed and response.status < 300:
            return self.server.service.committed(request, response)
        return response if fault.status is None else self._faulted(fault)

    def _ask(self, request: Request) -> Response:
        try:
            response = self.server.service.handle(request)
        except Exception:  # a bug of the sandbox: say so, keep serving
            traceback.print_exc()
            return Response(500, {"sandbox": traceback.format_exc()})
        response.refused = response.status >= 400
        return response

    def _faulted(self, fault: Fault) -> Response:
        assert fault.status is not None
        body = fault.body
        if body is None:
            body = self.server.service.error_body(fault.status)
        headers = dict(fault.headers)
        mime = headers.pop("Content-Type", None)
        if mime is None and isinstance(body, str):
            mime = "text/html"
        return Response(fault.status, body, headers, mime)

    def _note(self, request: Request, response: Response | None) -> None:
        """Before the answer leaves: whoever has it finds the line."""
        if self.server.stats:
            self.server.stats.add(self.server.service.name, request, response)
        if self.server.record:
            self.server.record.write(
                request.arrived, self.server.service.name, request.method,
                request.target,
                dict(request.headers.items()), request.recorded_body(),
                request.form, response.status if response else None,
                response.recorded_body() if response else None)

    def _read_body(self) -> bytes | None:
        """The body, or None where it is too large or has no honest length."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            return None
        return self._read_exactly(int(length))

    def _read_exactly(self, size: int) -> bytes:
        """All of them, or there is no request: nobody answers half of one."""
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionResetError("the client went away")
        return body

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            size = int(self.rfile.readline(100).split(b";")[0], 16)
            if size == 0:
                while self.rfile.readline(65537).strip():
                    pass  # trailers
                return bytes(body)
            if len(body) + size > BODY_LIMIT:
                return None
            body += self._read_exactly(size)
            self.rfile.readline(4)

    def _send(self, response: Response, head: bool,
              most: int | None = None) -> None:
        """The whole answer in one write, or the first `most` bytes of the
        body."""
        stream = response.body if isinstance(response.body, Stream) else None
        body = b"" if stream else response.encoded()
        headers = dict(response.headers)
        mime = response.mime()
        if mime:
            headers.setdefault("Content-Type", mime)
        if (self.server.service.compresses and len(body) >= GZIP_FROM
                and "gzip" in self.headers.get("Accept-Encoding", "")):
            body = gzip.compress(body, 1)
            headers["Content-Encoding"] = "gzip"
        if response.status != 204:
            headers.setdefault("Content-Length",
                               str(stream.size if stream else len(body)))
        headers.setdefault("Date", self.date_time_string())
        self.send_response_only(response.status)
        for name, value in headers.items():
            self.send_header(name, value)
        self._finish(b"" if head or response.status == 204 else body[:most])
        if stream and not head:
            for piece in cut(stream.pieces, most):
                self.wfile.write(piece)

    def _send_on(self, response: Response) -> None:
        """A body without an end, until the client has enough."""
        body = response.body.pieces if isinstance(response.body, Stream) \
            else [response.encoded()]
        pieces = list(body)
        self.send_response(response.status)
        self.send_header("Content-Type",
                         response.mime() or "application/octet-stream")
        self.send_header("Connection", "close")
        self._finish(b"")
        for piece in itertools.cycle(pieces):
            self.wfile.write(piece)

    def _finish(self, body: bytes) -> None:
        """Send the collected header lines and the body."""
        self._headers_buffer.append(b"\r\n")  # type: ignore[attr-defined]
        self.wfile.write(b"".join(self._headers_buffer) + body)
        self._headers_buffer = []

    def _reset(self) -> None:
        """Drop the connection the hard way: the client sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                   struct.pack("ii", 1, 0))
        self.close_connection = True
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        pass  # the record says more
