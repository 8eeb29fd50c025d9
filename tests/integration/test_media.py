"""Links to recordings: whom they let in, how far, and what a browser makes of
them; what one large recording costs a worker."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
import socket
import stat
import subprocess
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import (Stack, blocks, children, peak, psql, request, texts,
                      until)

import deliver

DELIVERY = "2026-03-30/call.recording.completed"
SECONDS = 300  # of the recording that a browser plays
RATE = 22050


def recording(stack: Stack, url: str) -> dict[str, Any]:
    """A call of its own with one recording, which is at this URL."""
    envelope = stack.load(DELIVERY, stack.fresh())
    text, n = re.subn(r'"http[^"]*\.mp3"', json.dumps(url),
                      json.dumps(envelope))
    assert n == 1
    return json.loads(text)


def stored(stack: Stack, url: str, config: Path | None = None) -> str:
    """The call's id, once its page is written."""
    envelope = recording(stack, url)
    stack.send(envelope)
    stack.run("ons-process", "--drain", config=config)
    return deliver.resource_id(envelope)


def made(stack: Stack, size: int) -> str:
    return f"{stack.env['SANDBOX_MEDIA']}/gen/{size}/a.mp3"


def links(stack: Stack, key: str) -> list[str]:
    """The links of the page's players."""
    return [block["audio"]["external"]["url"]
            for block in blocks(stack.page(key)) if block["type"] == "audio"]


def follow(link: str, headers: dict[str, str] | None = None) -> Any:
    """What a browser gets, which follows a redirect with the same headers."""
    answer = request(link, headers=headers)
    if answer.status == 302:
        answer = request(answer.headers["Location"], headers=headers)
    return answer


# --- two ways to keep files ---------------------------------------------------

@contextlib.contextmanager
def portal(stack: Stack, config: Path) -> Iterator[None]:
    """ons-portal of another configuration, behind the second nginx server."""
    path = str((stack.state / "run").resolve() / "files.sock")
    child = stack.start("ons-portal", "-s", path, config=config)
    try:
        def answers() -> bool:
            with socket.socket(socket.AF_UNIX) as peer:
                return peer.connect_ex(path) == 0
        until(answers)
        yield
    finally:
        child.terminate()
        assert child.wait(30) == 0
        assert child.stdout and child.stderr
        child.stdout.close()
        child.stderr.close()


@pytest.fixture(scope="module")
def files(stack: Stack, tmp_path_factory: pytest.TempPathFactory
          ) -> Iterator[Path]:
    """A configuration that keeps files in a folder, and needs no bucket."""
    folder = stack.state / "media"
    folder.mkdir(0o755, exist_ok=True)
    config = stack.variant(
        tmp_path_factory.mktemp("files"), media__store="file",
        media__folder=str(folder), media__base_url=stack.env["ONS_FILES_URL"],
        s3__endpoint=None, s3__bucket=None, s3__region=None,
        s3__access_key=None, s3__secret_key=None)
    with portal(stack, config):
        yield config


@pytest.fixture(params=["s3", "file"])
def store(request: pytest.FixtureRequest, files: Path) -> Path | None:
    """The configuration of each store; None: the stack's own."""
    return files if request.param == "file" else None


@pytest.mark.sanitize
def test_files_in_a_folder(stack: Stack, files: Path) -> None:
    url = made(stack, 70000)
    key = stored(stack, url, files)
    [row] = stack.rows("SELECT * FROM v_media WHERE resource_id = :'id'",
                       id=key)
    path = stack.state / "media" / row["key"]
    assert re.fullmatch(r"recordings/\d{4}/\d\d/\d\d/[\w-]+\.mp3", row["key"])
    assert path.read_bytes() == request(url).body
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    assert [p.name for p in path.parent.iterdir()
            if p.name.startswith(".")] == []
    [link] = links(stack, key)
    answer = request(link)
    assert (answer.status, answer.body) == (200, path.read_bytes())
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert "X-Accel-Redirect" not in answer.headers
    head = request(link, "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == "70000"
    # nothing but ons-portal's word leads to the file
    inner = f"{stack.env['ONS_FILES_URL']}/openphone-media/{row['key']}"
    assert request(inner).status == 404


@pytest.mark.sanitize
def test_ranges(stack: Stack, store: Path | None) -> None:
    url = made(stack, 50000)
    whole = request(url).body
    [link] = links(stack, stored(stack, url, store))
    assert follow(link).body == whole
    for wanted, first, end in (("0-0", 0, 1), ("1000-1999", 1000, 2000),
                               ("49990-", 49990, 50000),
                               ("-100", 49900, 50000)):
        answer = follow(link, {"Range": f"bytes={wanted}"})
        assert (answer.status, answer.body) == (206, whole[first:end])
        assert answer.headers["Content-Range"] == \
            f"bytes {first}-{end - 1}/50000"
        assert answer.headers["Content-Type"] == "audio/mpeg"
    assert follow(link, {"Range": "bytes=50000-"}).status == 416


# --- who is let in ------------------------------------------------------------

def token(link: str) -> str:
    found = re.search(r"/r/([\w-]+)/", link)
    assert found
    return found[1]


@pytest.mark.sanitize
def test_a_forged_token(stack: Stack, store: Path | None) -> None:
    [link] = links(stack, stored(stack, made(stack, 1000), store))
    real = token(link)
    assert follow(link).status == 200
    flipped = ("A" if real[0] != "A" else "B") + real[1:]
    for forged in (flipped, real[::-1], real[:-1], real + "A", real.upper(),
                   "A" * len(real), "%41" * 22, real.replace(real[3], "%25"),
                   "' OR token IS NOT NULL --", ""):
        if forged == real:
            continue
        answer = request(link.replace(real, forged.replace(" ", "%20")))
        assert answer.status == 404, forged
        assert answer.json["error"] == "not_found"


@pytest.mark.sanitize
def test_a_foreign_token(stack: Stack, store: Path | None) -> None:
    """Another workspace's link leads nowhere, though the file is there."""
    key = stored(stack, made(stack, 1000), store)
    [link] = links(stack, key)
    foreign = "foreign" + stack.fresh() + token(link)[:20]
    psql(stack.env, """
        INSERT INTO media (workspace, kind, resource_id, slot, state, key,
                           size, type, token)
        SELECT 'other', kind, resource_id, slot, state, key, size, type,
               :'token'
          FROM media WHERE resource_id = :'id' AND workspace = 'default'
        """, id=key, token=foreign)
    assert follow(link).status == 200
    assert request(link.replace(token(link), foreign)).status == 404


@pytest.mark.sanitize
def test_a_revoked_token(stack: Stack, store: Path | None) -> None:
    key = stored(stack, made(stack, 1000), store)
    [link] = links(stack, key)
    assert follow(link).status == 200
    done = stack.run("onsctl", "revoke", key)
    assert done.stdout.startswith("recordings/")
    assert "no link any more" in done.stdout
    assert request(link).status == 404
    # the page follows
    stack.run("ons-process", "--drain", config=store)
    assert links(stack, key) == []
    assert "there is no link to it" in texts(stack.page(key))
    # and the link stays away when the file is looked at again
    stack.send(json.loads(json.dumps(stack.load(DELIVERY, "x")).replace(
        deliver.resource_id(stack.load(DELIVERY, "x")), key)))
    stack.run("ons-process", "--drain", config=store)
    assert request(link).status == 404

    # --renew gives another one, to one slot if it is named
    [row] = stack.rows("SELECT slot FROM v_media WHERE resource_id = :'id'",
                       id=key)
    done = stack.run("onsctl", "revoke", "--renew", key, row["slot"])
    assert done.stdout == f"{row['slot']}: has a new link\n"
    stack.run("ons-process", "--drain", config=store)
    [renewed] = links(stack, key)
    assert token(renewed) != token(link)
    assert follow(renewed).status == 200
    assert request(link).status == 404


@pytest.mark.sanitize
def test_revoking_what_is_not_there(stack: Stack) -> None:
    done = stack.run("onsctl", "revoke", "ACnobody", expect=None)
    assert done.returncode not in (0, 64)
    assert "ACnobody" in done.stderr
    key = stored(stack, made(stack, 1000))
    done = stack.run("onsctl", "revoke", key, "voicemail", expect=None)
    assert done.returncode != 0 and "voicemail" in done.stderr
    [link] = links(stack, key)
    assert follow(link).status == 200
    for args in ((), (key, "a", "b"), ("--new", key)):
        stack.run("onsctl", "revoke", *args, expect=64)


def test_an_address_that_has_expired(stack: Stack, tmp_path: Path) -> None:
    """The S3 server itself refuses it, and one with a longer life."""
    short = stack.variant(tmp_path, media__link_life="2s",
                          media__base_url=stack.env["ONS_FILES_URL"])
    [link] = links(stack, stored(stack, made(stack, 1000)))
    answer = stack.run("ons-portal", config=short, env={
        "REQUEST_METHOD": "GET", "REQUEST_URI": link.removeprefix(stack.url),
        "GATEWAY_INTERFACE": "CGI/1.1"})
    found = re.search(r"^Location: (\S+)\r?$", answer.stdout, re.MULTILINE)
    assert found, answer.stdout
    address = found[1]
    assert "X-Amz-Expires=2&" in address
    longer = request(address.replace("X-Amz-Expires=2&",
                                     "X-Amz-Expires=900&"))
    assert longer.status == 403 and b"SignatureDoesNotMatch" in longer.body

    refused = until(lambda: (got := request(address)).status == 403 and got)
    assert b"AccessDenied" in refused.body or b"expired" in refused.body
    assert request(request(link).headers["Location"]).status == 200


# --- a browser ----------------------------------------------------------------

class Browser:
    """Chromium, by the WebDriver protocol."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.driver = subprocess.Popen(
            ["chromedriver", f"--port={port}"], cwd=folder,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: self._ready())
        options = ["--headless=new", "--no-sandbox", "--disable-gpu",
                   "--disable-dev-shm-usage", "--mute-audio",
                   "--autoplay-policy=no-user-gesture-required",
                   f"--user-data-dir={folder / 'profile'}"]
        made = self._ask("/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "timeouts": {"script": 60000},
            "goog:chromeOptions": {"args": options}}}})
        self.session = "/session/" + made["sessionId"]

    def _ready(self) -> bool:
        try:
            return self._ask("/status")["ready"]
        except OSError:
            return False

    def _ask(self, path: str, body: Any = None, method: str = "") -> Any:
        data = None if body is None else json.dumps(body).encode()
        wanted = urllib.request.Request(
            self.base + path, data,
            method=method or ("GET" if data is None else "POST"))
        with urllib.request.urlopen(wanted, timeout=120) as answer:
            return json.load(answer)["value"]

    def open(self, url: str) -> None:
        self._ask(self.session + "/url", {"url": url})

    def run(self, script: str, *args: Any) -> Any:
        """What an asynchronous script hands to its last argument."""
        return self._ask(self.session + "/execute/async",
                         {"script": script, "args": list(args)})

    def close(self) -> None:
        with contextlib.suppress(OSError, AttributeError):
            self._ask(self.session, method="DELETE")
        self.driver.terminate()
        self.driver.wait(30)


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    if not shutil.which("chromedriver") or not shutil.which("chromium"):
        pytest.skip("NOT TESTED: seeking in a browser; "
                    "apt-get install chromium chromium-driver")
    one = Browser(tmp_path)
    try:
        yield one
    finally:
        one.close()


def tone(seconds: int) -> bytes:
    """A WAV file that any browser plays."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        second = b"".join(((n % 50) * 200).to_bytes(2, "little")
                          for n in range(RATE))
        file.writeframes(second * seconds)
    return out.getvalue()


SEEK = """
const to = arguments[0], done = arguments[1];
const player = document.querySelector("audio, video");
if (!player) { done({error: "no player: " + document.body.innerText}); }
const tell = (error) => done({
    error: error, at: player.currentTime, duration: player.duration,
    seekable: player.seekable.length ? player.seekable.end(0) : 0});
const seek = () => {
    player.addEventListener("seeked", () => tell(null), {once: true});
    player.currentTime = to;
};
player.addEventListener("error", () => tell(player.error.message));
if (player.readyState >= 1) seek();
else player.addEventListener("loadedmetadata", seek, {once: true});
"""


def test_seeking_in_a_browser(stack: Stack, store: Path | None,
                              browser: Browser) -> None:
    """Who opens the link of a page can jump to any place of the call, which
    takes ranges through the redirect."""
    content = tone(SECONDS)
    url = request(f"{stack.env['SANDBOX_URL']}/media/tone.wav", "PUT", content,
                  {"Content-Type": "audio/x-wav"}).json["url"]
    [link] = links(stack, stored(stack, url, store))
    assert link.endswith(".wav")
    browser.open(link)
    for place in (SECONDS - 20, 100):
        seen = browser.run(SEEK, place)
        assert seen["error"] is None, seen
        assert abs(seen["at"] - place) < 2, seen
        assert abs(seen["duration"] - SECONDS) < 1, seen
        assert seen["seekable"] > SECONDS - 1, seen


# --- what it costs ------------------------------------------------------------

def test_a_large_recording_needs_little_memory(
        stack: Stack, tmp_path: Path, store: Path | None) -> None:
    """300 MB go through a worker of less than 16 MB."""
    envelope = recording(stack, made(stack, 300 << 20))
    key = deliver.resource_id(envelope)
    config = stack.variant(tmp_path, process__workers="1") if not store \
        else tmp_path / "one.conf"
    if store:
        config.touch(0o600)
        config.write_text(store.read_text() + "\n[process]\nworkers = 1\n")
    stack.send(envelope)
    child = stack.start("ons-process", "--linger", config=config)
    try:
        [worker] = until(lambda: children(child.pid))
        until(lambda: stack.rows(
            "SELECT FROM v_pages p WHERE resource_id = :'id' AND NOT EXISTS"
            " (SELECT FROM v_jobs j WHERE j.resource_id = p.resource_id)",
            id=key), 300)
        most = peak(worker)
    finally:
        child.terminate()
        child.communicate(timeout=60)
    [row] = stack.rows("SELECT * FROM v_media WHERE resource_id = :'id'",
                       id=key)
    assert (row["state"], row["size"]) == ("stored", 300 << 20)
    print(f"VmHWM of the worker: {most} KiB")
    assert most < 16 << 10, f"{most} KiB"


# ---- URLs that no longer work ----


def asked(stack: Stack, path: str) -> int:
    """How often OpenPhone was asked for this path."""
    with open(stack.env["SANDBOX_RECORD"], encoding="utf-8") as record:
        return sum(line["service"] == "openphone"
                   and line["path"].split("?")[0] == path
                   for line in map(json.loads, record))


def media_row(stack: Stack, key: str) -> dict[str, Any]:
    rows = stack.rows("SELECT * FROM v_media WHERE resource_id = :'id'",
                      id=key)
    assert len(rows) == 1
    return rows[0]


@pytest.mark.sanitize
def test_an_url_that_has_expired_is_asked_for_anew(stack: Stack) -> None:
    envelope = recording(stack, f"{stack.env['SANDBOX_MEDIA']}/expired/a.mp3")
    key = deliver.resource_id(envelope)
    stack.control("POST", "/openphone/calls", {"id": key})
    stack.control("POST", "/openphone/recordings", {
        "id": envelope["data"]["resource"]["recordings"][0]["id"],
        "callId": key, "url": made(stack, 23456)})
    stack.send(envelope)
    stack.process()
    row = media_row(stack, key)
    assert (row["state"], row["size"]) == ("stored", 23456)
    assert len(stack.object(row["key"])) == 23456
    assert len(links(stack, key)) == 1
    stack.send(stack.load("2026-03-30/call.completed", key.rpartition("-")[2]))
    stack.process()
    assert asked(stack, f"/calls/{key}/recordings") == 1


@pytest.mark.sanitize
@pytest.mark.parametrize("answers", [True, False],
                         ids=["refused-again", "openphone-has-none"])
def test_a_recording_that_is_gone_is_said_to_be(
        stack: Stack, answers: bool) -> None:
    gone = f"{stack.env['SANDBOX_MEDIA']}/gone/a.mp3"
    envelope = recording(stack, gone)
    key = deliver.resource_id(envelope)
    if answers:
        stack.control("POST", "/openphone/calls", {"id": key})
        stack.control("POST", "/openphone/recordings", {
            "id": envelope["data"]["resource"]["recordings"][0]["id"],
            "callId": key, "url": gone})
    stack.send(envelope)
    stack.process()
    assert media_row(stack, key)["state"] == "gone"
    assert links(stack, key) == []
    assert "no longer available" in texts(stack.page(key))


@pytest.mark.sanitize
def test_a_host_that_is_not_allowed_is_not_asked(
        stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, media__hosts="m.openph.one")
    key = stored(stack, made(stack, 1000), config)
    row = media_row(stack, key)
    assert row["state"] == "refused" and "127.0.0.1" in row["reason"]
    assert "could not be copied" in texts(stack.page(key))


@pytest.mark.sanitize
@pytest.mark.parametrize("change", [{"media__allow_private": "no"},
                                    {"media__allow_http": "no"}])
def test_private_addresses_and_plain_http_are_off_by_default(
        stack: Stack, tmp_path: Path, change: dict[str, str]) -> None:
    config = stack.variant(tmp_path, **change)
    key = stored(stack, made(stack, 1000), config)
    assert media_row(stack, key)["state"] == "refused"


# ---- other links ----


@pytest.mark.sanitize
def test_a_public_bucket_is_linked_directly(
        stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, media__link="public",
                           media__base_url="https://media.example.com/x/")
    key = stored(stack, made(stack, 1000), config)
    assert links(stack, key) == [
        "https://media.example.com/x/" + media_row(stack, key)["key"]]
