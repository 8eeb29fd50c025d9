"""A FastCGI client that keeps its connection, as nginx does: the records of a
request, and those of its answer (the FastCGI specification, sections 3 and 5).
"""

from __future__ import annotations

import socket
import struct

from conftest import Answer
from private import parse_cgi

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6
RESPONDER, KEEP_CONN = 1, 1
HEADER = struct.Struct(">BBHHBx")  # version, type, request, length, padding
MOST = 0xffff  # bytes in a record


class Kept:
    """One connection, for as many requests as wanted, one after another."""

    def __init__(self, sock: str, timeout: float = 20) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(sock)

    def close(self) -> None:
        self.socket.close()

    def _record(self, kind: int, content: bytes = b"") -> bytes:
        return HEADER.pack(1, kind, 1, len(content), 0) + content

    def _stream(self, kind: int, content: bytes) -> bytes:
        parts = [content[i:i + MOST] for i in range(0, len(content), MOST)]
        return b"".join(self._record(kind, part) for part in parts)

    def begin(self, method: str, path: str, length: int,
              headers: dict[str, str] | None = None) -> None:
        """All but the body."""
        variables = {"REQUEST_METHOD": method, "SCRIPT_NAME": path,
                     "DOCUMENT_URI": path, "CONTENT_LENGTH": str(length)}
        for name, value in (headers or {}).items():
            variables["HTTP_" + name.upper().replace("-", "_")] = value
        pairs = b"".join(
            struct.pack(">II", len(name) | 1 << 31, len(value) | 1 << 31)
            + name.encode() + value.encode()
            for name, value in variables.items())
        self.socket.sendall(
            self._record(BEGIN, struct.pack(">HB5x", RESPONDER, KEEP_CONN))
            + self._stream(PARAMS, pairs) + self._record(PARAMS))

    def body(self, content: bytes) -> None:
        self.socket.sendall(self._stream(STDIN, content))

    def end(self) -> None:
        self.socket.sendall(self._record(STDIN))

    def _read(self, n: int) -> bytes:
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
            if not more:
                raise EOFError("the connection was closed")
            data += more
        return data

    def answer(self) -> Answer:
        """Up to its end, which on a kept connection only a record tells."""
        out, kind = b"", 0
        while kind != END:
            _, kind, _, length, padding = HEADER.unpack(self._read(HEADER.size))
            content = self._read(length + padding)[:length]
            if kind == STDOUT:
                out += content
        return parse_cgi(out.decode())

    def request(self, method: str, path: str, body: bytes = b"",
                headers: dict[str, str] | None = None) -> Answer:
        self.begin(method, path, len(body), headers)
        self.body(body)
        self.end()
        return self.answer()
