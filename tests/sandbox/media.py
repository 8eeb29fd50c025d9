"""The media host: recordings, attachments, and files that Notion hosts."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from urllib.parse import quote

from http_service import Request, Response, Service, Stream

# An MPEG-1 layer III frame: 128 kbit/s, 44.1 kHz, mono, 417 bytes.
_FRAME = bytes.fromhex("fffb90c4")
_FRAME_SIZE = 417

# Pictures: what their first bytes say.
_PICTURES = {"jpg": ("image/jpeg", bytes.fromhex("ffd8ffe000104a46494600")),
             "png": ("image/png", b"\x89PNG\r\n\x1a\n")}


# What is sent of a large file at a time, about.
_PIECE = 1 << 18


class Generated:
    """Bytes that begin as MP3 does (or as `begin`), the same for the same size
    and name. They are never held as a whole."""

    def __init__(self, size: int, name: str, begin: bytes = b"") -> None:
        self.size = size
        self.begin = begin
        self.frame = _frame(name)

    def __len__(self) -> int:
        return self.size

    def pieces(self, first: int, end: int) -> Iterator[bytes]:
        head = self.begin[first:end]
        if head:
            yield head
            first += len(head)
        frames = self.frame * (_PIECE // len(self.frame))
        while first < end:
            offset = (first - len(self.begin)) % len(self.frame)
            piece = frames[offset:offset + end - first]
            yield piece
            first += len(piece)


def _frame(name: str) -> bytes:
    seed = hashlib.sha256(name.encode()).digest()
    filler = (seed * (_FRAME_SIZE // len(seed) + 1))[:_FRAME_SIZE - len(_FRAME)]
    return _FRAME + filler


class Media(Service):
    """Files put in by tests, and /gen/<bytes>/<name>.mp3 (.jpg, .png) out of
    thin air."""

    name = "media"

    def __init__(self) -> None:
        self.base = ""  # known once the port is
        self._lock = threading.Lock()
        self._files: dict[str, tuple[bytes, str]] = {}

    def put(self, name: str, content: bytes, content_type: str) -> None:
        with self._lock:
            self._files[name] = (content, content_type)

    def clear(self) -> None:
        with self._lock:
            self._files.clear()

    def url_of(self, name: str) -> str:
        return f"{self.base}/{quote(name)}"

    def handle(self, request: Request) -> Response:
        if request.header("Authorization"):
            return _error(400, "A media host takes no Authorization header.")
        if request.method not in ("GET", "HEAD"):
            return _error(405, "Method not allowed.")
        name = "/".join(request.segments())
        if name.startswith("gone/"):
            return _error(404, "No such object.")
        if name.startswith("expired/"):
            return _error(403, "The signature of this URL has expired.")
        found = self._find(name)
        if found is None:
            return _error(404, "No such object.")
        return _ranged(request, *found)

    def _find(self, name: str) -> tuple[bytes | Generated, str] | None:
        made = re.fullmatch(r"gen/(\d{1,9})/([^/]+)\.mp3", name)
        if made:
            return Generated(int(made[1]), made[2]), "audio/mpeg"
        made = re.fullmatch(r"gen/(\d{1,9})/([^/]+)\.(jpg|png)", name)
        if made:
            kind, begin = _PICTURES[made[3]]
            return Generated(int(made[1]), made[2], begin), kind
        with self._lock:
            return self._files.get(name)


def _error(status: int, message: str) -> Response:
    return Response(status, message + "\n", content_type="text/plain")


def _part(content: bytes | Generated, first: int, end: int) -> bytes | Stream:
    if isinstance(content, bytes):
        return content[first:end]
    return Stream(end - first, content.pieces(first, end))


def _ranged(request: Request, content: bytes | Generated,
            content_type: str) -> Response:
    """The file, or the one range of it that was asked for."""
    headers = {"Accept-Ranges": "bytes", "Content-Disposition": "attachment"}
    wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", request.header("Range") or "")
    if not wanted or wanted[0] == "bytes=-":
        return Response(200, _part(content, 0, len(content)), headers,
                        content_type)
    size = len(content)
    if wanted[1]:
        first, last = int(wanted[1]), int(wanted[2] or size - 1)
    else:
        first, last = max(0, size - int(wanted[2])), size - 1
    last = min(last, size - 1)
    if first > last:
        return Response(416, b"", {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return Response(206, _part(content, first, last + 1), headers, content_type)
