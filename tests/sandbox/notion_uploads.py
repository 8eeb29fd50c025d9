"""Notion's file uploads: one part, several parts, or by URL."""

from __future__ import annotations

import mimetypes
import re
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from http_service import Request
from media import Media
from notion_requests import Error
from notion_store import BOT, not_found
from notion_values import Json, dashed, minute, refused

MIB = 1 << 20
PART = 20 * MIB
LIFE = timedelta(hours=1)

# What Notion takes for audio; other kinds of files are not told apart here.
AUDIO = {"audio/aac", "audio/midi", "audio/mpeg", "audio/mp4", "audio/ogg",
         "audio/wav", "audio/x-ms-wma"}


class Upload:
    """One upload and the parts that have come in."""

    def __init__(self, wanted: Json) -> None:
        self.id = str(uuid.uuid4())
        self.mode = wanted.get("mode", "single_part")
        self.filename: str | None = wanted.get("filename")
        self.content_type: str | None = wanted.get("content_type")
        self.number_of_parts: int = wanted.get("number_of_parts", 1)
        self.parts: dict[int, bytes] = {}
        self.status = "pending"
        self.created = datetime.now(timezone.utc)

    def content(self) -> bytes:
        return b"".join(self.parts[number] for number in sorted(self.parts))

    def shown(self, base: str) -> Json:
        where = f"{base}/v1/file_uploads/{self.id}"
        sent = len(self.parts) == self.number_of_parts
        shown = {
            "object": "file_upload", "id": self.id, "status": self.status,
            "created_time": minute(self.created), "created_by": BOT,
            "last_edited_time": minute(self.created), "in_trash": False,
            "expiry_time": minute(self.created + LIFE),
            "filename": self.filename, "content_type": self.content_type,
            "content_length": (len(self.content())
                               if self.status == "uploaded" else None)}
        if self.status == "pending":
            shown["upload_url"] = where + "/send"
            if self.mode == "multi_part" and sent:
                shown["complete_url"] = where + "/complete"
        if self.mode == "multi_part":
            shown["number_of_parts"] = {"total": self.number_of_parts,
                                        "sent": len(self.parts)}
        return shown


class Uploads:
    """All uploads; what is complete is served by the media host."""

    def __init__(self, media: Media) -> None:
        self.media = media
        self.largest = 5 * MIB  # a workspace without a paid plan
        self.all: dict[str, Upload] = {}

    def create(self, wanted: Json) -> Upload:
        upload = Upload(wanted)
        kind = upload.content_type
        if kind and kind.startswith("audio/") and kind not in AUDIO:
            raise refused(f"Content type {kind} is not supported.")
        if upload.filename and "." not in upload.filename and not kind:
            raise refused("body failed validation: body.filename should have "
                          "an extension.")
        if upload.mode == "external_url":
            upload.parts[1] = b""
            upload.status = "uploaded"
        self.all[upload.id] = upload
        return upload

    def get(self, identifier: str) -> Upload:
        upload = self.all.get(dashed(identifier))
        if upload is None:
            raise not_found("file_upload", dashed(identifier))
        return upload

    def attached(self, identifier: str) -> Json:
        """A complete upload as a file that Notion hosts."""
        upload = self.get(identifier)
        if upload.status != "uploaded":
            raise refused(f"File upload {upload.id} is {upload.status}; only "
                          "an uploaded file can be attached.")
        name = f"notion/{upload.id}/{upload.filename or 'file'}"
        self.media.put(name, upload.content(),
                       upload.content_type or "application/octet-stream")
        return {"url": self.media.url_of(name),
                "expiry_time": minute(datetime.now(timezone.utc) + LIFE)}

    def send(self, identifier: str, request: Request) -> Upload:
        upload = self.get(identifier)
        if upload.status != "pending":
            raise refused(f"File upload {upload.id} is {upload.status}.")
        parts = multipart(request)
        request.form = {name: part["text"] if part["filename"] is None else
                        {"filename": part["filename"],
                         "content_type": part["content_type"],
                         "size": len(part["content"])}
                        for name, part in parts.items()}
        if "file" not in parts or parts["file"]["filename"] is None:
            raise refused("body failed validation: body.file should be "
                          "defined, instead was `undefined`.")
        self._take(upload, parts)
        return upload

    def _take(self, upload: Upload, parts: dict[str, Json]) -> None:
        file = parts["file"]
        number = 1
        if upload.mode == "multi_part":
            given = parts.get("part_number", {}).get("text") or ""
            if not given.isdigit() or not (
                    1 <= int(given) <= upload.number_of_parts):
                raise refused("body failed validation: body.part_number should "
                              f"be between 1 and {upload.number_of_parts}.")
            number = int(given)
            last = number == upload.number_of_parts
            if len(file["content"]) < 5 * MIB and not last:
                raise refused("Each part but the last must be 5 MiB or more.")
        if len(file["content"]) > PART:
            raise refused("A part must not be larger than 20 MiB.")
        kept = sum(len(p) for n, p in upload.parts.items() if n != number)
        if kept + len(file["content"]) > self.largest:
            raise refused(f"File size exceeds the limit of {self.largest} "
                          "bytes of this workspace.")
        kind = file["content_type"]
        if upload.content_type and kind and kind != upload.content_type:
            raise refused(f"Content type of the file ({kind}) does not match "
                          f"the one of the upload ({upload.content_type}).")
        upload.filename = upload.filename or file["filename"]
        upload.content_type = upload.content_type or kind or (
            mimetypes.guess_type(upload.filename or "")[0])
        if (upload.content_type or "").startswith("audio/") and (
                upload.content_type not in AUDIO):
            raise refused(f"Content type {upload.content_type} is not "
                          "supported.")
        upload.parts[number] = file["content"]
        if upload.mode == "single_part":
            upload.status = "uploaded"

    def complete(self, identifier: str) -> Upload:
        upload = self.get(identifier)
        if upload.mode != "multi_part" or upload.status != "pending":
            raise refused(f"File upload {upload.id} cannot be completed.")
        if len(upload.parts) != upload.number_of_parts:
            raise refused(f"{len(upload.parts)} of {upload.number_of_parts} "
                          "parts have been sent.")
        upload.status = "uploaded"
        return upload


def multipart(request: Request) -> dict[str, Json]:
    """The parts of a multipart/form-data body by field name."""
    found = re.match(r'multipart/form-data;.*boundary="?([^";]+)"?',
                     request.header("Content-Type") or "", re.IGNORECASE)
    if not found:
        raise Error(400, "validation_error", "Content-Type should be "
                    "multipart/form-data with a boundary.")
    parts = {}
    for piece in request.raw.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        header = head.decode("utf-8", "replace")
        name = re.search(r'[; ]name="([^"]*)"', header)
        filename = re.search(r'filename="([^"]*)"', header)
        kind = re.search(r"Content-Type: *(\S+)", header, re.IGNORECASE)
        content = content[:-2]  # the line end belongs to the boundary
        if name:
            parts[name[1]] = _part(filename, kind, content)
    return parts


def _part(filename: Any, kind: Any, content: bytes) -> Json:
    return {"filename": filename[1] if filename else None,
            "content_type": kind[1] if kind else None,
            "content": content,
            "text": content.decode("utf-8", "replace")}
