"""While the database is away deliveries are kept in the spool, and taken in
when it is back: none is lost, none is there twice."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import Stack, psql, until
from private import (
    Cluster, Responder, parse_cgi, private_cluster, private_responder)

import deliver
from disks import full, needs_mount, small_disk

sanitize = pytest.mark.sanitize
NAME = "2026-03-30/call.completed"
# OpenPhone gives up on an answer after ten seconds; three are ours
PATIENCE = 10


def no_pages(cluster: Cluster) -> None:
    """What is stored makes nothing due: only storing matters here."""
    psql(cluster.env, """
        CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER no_jobs BEFORE INSERT ON job
            FOR EACH ROW EXECUTE FUNCTION nothing();""")


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> Iterator[Cluster]:
    with private_cluster(stack) as cluster:
        no_pages(cluster)
        yield cluster


@pytest.fixture
def responder(stack: Stack, cluster: Cluster) -> Iterator[Responder]:
    """Each test begins with a database that works and an empty spool."""
    shutil.rmtree(cluster.folder / "spool", ignore_errors=True)
    with private_responder(stack, cluster.config(),
                           cluster.folder) as responder:
        assert responder.is_("healthy")
        yield responder


def call(stack: Stack) -> tuple[str, dict[str, Any]]:
    """The id of a call that no other test knows, and a delivery of it."""
    envelope = stack.load(NAME, stack.fresh())
    return deliver.resource_id(envelope), envelope


def accepted(responder: Responder, n: int, at_once: int = 1) -> list[str]:
    """Deliver n calls, which must be acknowledged; their ids."""
    calls = [call(responder.stack) for _ in range(n)]

    def post(envelope: dict[str, Any]) -> None:
        began = time.monotonic()
        answer = responder.post(envelope)
        assert answer.status == 200, answer.body
        assert answer.json["status"] == "accepted"
        assert time.monotonic() - began < PATIENCE

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(post, [envelope for _, envelope in calls]))
    return [resource for resource, _ in calls]


def spooled(cluster: Cluster, folder: str = "new") -> list[Path]:
    return sorted((cluster.folder / "spool" / folder).glob("*"))


def take_in(cluster: Cluster, config: Path | None = None) -> str:
    """What the processor says while it does."""
    return cluster.stack.run("ons-process", "--drain",
                             config=config or cluster.config()).stderr


def stored_once(cluster: Cluster, resources: list[str]) -> bool:
    stored = cluster.resources()
    return all(stored.count(resource) == 1 for resource in resources)


# --- the database is away ---

@sanitize
def test_a_database_that_is_stopped(stack: Stack, cluster: Cluster,
                                    responder: Responder) -> None:
    before = accepted(responder, 2)
    assert spooled(cluster) == []
    cluster.crash()
    during = accepted(responder, 20, at_once=4)
    assert len(spooled(cluster)) == 20
    answer = responder.health()
    assert answer.status == 200
    assert answer.json["status"] == "degraded"
    assert "spool" in answer.json["reason"]
    # an operator sees it, without the database as well
    shown = stack.run("onsctl", "status", config=cluster.config(),
                      expect=None)
    assert shown.returncode == 75
    assert "20 deliveries wait" in shown.stdout

    cluster.start()
    until(lambda: responder.is_("healthy"))
    after = accepted(responder, 2)
    assert len(spooled(cluster)) == 20  # it is not ons-webhook that takes in
    status = json.loads(stack.run("onsctl", "--json", "status",
                                  config=cluster.config()).stdout)
    assert status["spooled"]["files"] == 20
    assert status["spooled"]["oldest"].startswith("20")
    assert status["set_aside"] == {"files": 0, "bytes": 0, "oldest": None}

    kept = cluster.folder / "kept"
    shutil.copytree(cluster.folder / "spool/new", kept)
    assert take_in(cluster) == ""
    assert spooled(cluster) == spooled(cluster, "tmp") == []
    assert stored_once(cluster, before + during + after)
    # one that was stored, but not removed any more
    shutil.copytree(kept, cluster.folder / "spool/new", dirs_exist_ok=True)
    shutil.rmtree(kept)
    assert take_in(cluster) == ""
    assert spooled(cluster) == []
    assert stored_once(cluster, before + during + after)
    # the moment at which they came is told
    headers = cluster.rows("SELECT headers FROM event_body b JOIN event e"
                           " ON e.id = b.event_id WHERE resource_id = :'id'",
                           id=during[0])[0]["headers"]
    assert headers["spooled-at"].startswith("20")
    assert headers["webhook-id"].startswith("msg_")

    # one line when it goes, one when it is back
    errors = [json.loads(line) for line in responder.stop().splitlines()]
    assert [line["level"] for line in errors
            if "spool" in line["message"]] == ["error"]
    assert [line["level"] for line in errors
            if "again" in line["message"]] == ["warn"]


def test_a_repeated_delivery_is_stored_once(
        stack: Stack, cluster: Cluster, responder: Responder) -> None:
    resource, envelope = call(stack)
    assert responder.post(envelope).status == 200
    cluster.crash()
    for _ in range(3):
        assert responder.post(envelope).status == 200
    cluster.start()
    take_in(cluster)
    until(lambda: responder.is_("healthy"))
    assert responder.post(envelope).status == 200
    assert stored_once(cluster, [resource])


@sanitize
def test_a_database_that_hangs(cluster: Cluster,
                               responder: Responder) -> None:
    """It is waited for once, not by every delivery."""
    accepted(responder, 1)
    cluster.freeze()
    during = accepted(responder, 24, at_once=8)
    assert responder.health().json["status"] == "degraded"
    # nor do new connections get an answer
    during += accepted(responder, 8, at_once=8)
    assert len(spooled(cluster)) == 32
    cluster.thaw()
    until(lambda: responder.is_("healthy"))
    take_in(cluster)
    assert stored_once(cluster, during)


def test_a_responder_that_starts_without_a_database(
        stack: Stack, cluster: Cluster) -> None:
    cluster.stop()
    try:
        with private_responder(stack, cluster.config(),
                               cluster.folder) as responder:
            during = accepted(responder, 3)
            assert responder.is_("degraded")
    finally:
        cluster.start()
    take_in(cluster)
    assert stored_once(cluster, during)


@pytest.mark.parametrize("role", ["user=nobody_has_this_name",
                                  "dbname=no_such_database",
                                  "dbname=template1", "host=/nonexistent"])
def test_an_operators_mistake_loses_nothing(
        stack: Stack, cluster: Cluster, role: str) -> None:
    """A wrong role, a database that is not there, or without our tables."""
    config = cluster.config(database__webhook=role)
    with private_responder(stack, config, cluster.folder) as responder:
        during = accepted(responder, 2)
        assert responder.is_("degraded")
    assert not stored_once(cluster, during)
    take_in(cluster)
    assert stored_once(cluster, during)


def test_a_cgi_program_spools_too(stack: Stack, cluster: Cluster) -> None:
    resource, envelope = call(stack)
    item = deliver.delivery("", envelope)
    headers = {"HTTP_" + name.upper().replace("-", "_"): value
               for name, value in deliver.sign(item, stack.env).items()}
    done = stack.run(
        "ons-webhook", input=item.body,
        config=cluster.config(database__webhook="host=/nonexistent"),
        env={"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "POST",
             "REQUEST_URI": deliver.WEBHOOK_PATH,
             "CONTENT_LENGTH": str(len(item.body)), **headers})
    assert parse_cgi(done.stdout).json["status"] == "accepted"
    take_in(cluster)
    assert stored_once(cluster, [resource])


# --- taking in ---

def test_pages_come_of_what_was_spooled(stack: Stack, tmp_path: Path) -> None:
    """With nothing else due, and by a processor that is there already."""
    config = stack.variant(tmp_path, webhook__spool=str(tmp_path / "spool"),
                           database__webhook="user=nobody_has_this_name")
    with private_responder(stack, config, tmp_path) as responder:
        [first] = accepted(responder, 1)
        assert stack.rows("SELECT FROM event WHERE resource_id = :'id'",
                          id=first) == []
        stack.run("ons-process", "--drain", config=config)
        assert stack.page(first)
        lingering = stack.start("ons-process", "--linger", config=config)
        try:
            [second] = accepted(responder, 1)
            until(lambda: stack.rows(
                "SELECT FROM v_pages WHERE resource_id = :'id'"
                " AND state = 'written'", id=second))
            assert stack.page(second)
        finally:
            lingering.send_signal(signal.SIGTERM)
            _, errors = lingering.communicate(timeout=20)
        assert errors == b""
    assert list((tmp_path / "spool").glob("*/*")) == []


def test_the_oldest_is_taken_in_first(stack: Stack, cluster: Cluster,
                                      responder: Responder) -> None:
    """Large ones, so that each is a batch of its own."""
    cluster.crash()
    sent = []
    for _ in range(4):
        resource, envelope = call(stack)
        sent.append(resource)
        assert responder.post(
            {**envelope, "filler": "x" * (5 << 20)}).status == 200
    # they do not sort by anything else
    names = [path.name for path in spooled(cluster)]
    assert names == sorted(names)
    cluster.start()
    take_in(cluster)
    stored = [r for r in cluster.resources() if r in sent]
    assert stored == sent


def test_many_are_taken_in_by_several_workers(
        stack: Stack, cluster: Cluster, responder: Responder) -> None:
    """More than a batch; a worker that comes too late waits for the one at
    it rather than end."""
    cluster.crash()
    during = accepted(responder, 600, at_once=8)
    cluster.start()
    assert take_in(cluster) == ""
    assert spooled(cluster) == []
    assert stored_once(cluster, during)


@sanitize
def test_torn_and_foreign_files_are_set_aside(
        stack: Stack, cluster: Cluster, responder: Responder) -> None:
    cluster.crash()
    during = accepted(responder, 3)
    cluster.start()
    new = cluster.folder / "spool/new"
    whole = spooled(cluster)[0].read_bytes()
    (new / "0-torn").write_bytes(whole[:-7])
    (new / "0-changed").write_bytes(whole.replace(b"call", b"cull"))
    (new / "README").write_text("not one of ours\n")
    (new / "empty").touch()
    (new / "folder").mkdir()
    (new / "folder/file").touch()
    (new / "link").symlink_to("/etc/passwd")
    os.mkfifo(new / "fifo")
    (new / "huge").touch()
    os.truncate(new / "huge", 5 << 30)
    names = {"0-torn", "0-changed", "README", "empty", "folder", "link",
             "fifo", "huge"}

    errors = take_in(cluster)
    assert spooled(cluster) == []
    assert stored_once(cluster, during)
    aside = spooled(cluster, "bad")
    assert {path.name.partition("-")[2] for path in aside} == names
    lines = [json.loads(line)["message"] for line in errors.splitlines()]
    assert len(lines) == len(names)
    for name in names:
        assert any(f"new/{name} as bad/" in line for line in lines), name
    shown = stack.run("onsctl", "status", config=cluster.config()).stdout
    assert f"{len(names)} files could not be taken in" in shown
    assert "spool/bad" in shown
    assert take_in(cluster) == ""  # it was said once

    # one that was mended is taken in under any name
    aside[0].write_bytes(whole)
    aside[0].rename(new / "mended")
    assert take_in(cluster) == ""
    assert spooled(cluster) == []


def test_what_cannot_be_set_aside_holds_up_nothing(
        cluster: Cluster, responder: Responder) -> None:
    cluster.crash()
    during = accepted(responder, 2)
    cluster.start()
    (cluster.folder / "spool/bad").touch()  # in the place of the folder
    (cluster.folder / "spool/new/0-foreign").touch()
    errors = take_in(cluster)
    assert "0-foreign" in errors and "bad/" in errors
    assert stored_once(cluster, during)
    assert [path.name for path in spooled(cluster)] == ["0-foreign"]


def test_leftovers_of_a_killed_writer_are_removed(
        cluster: Cluster, responder: Responder) -> None:
    tmp = cluster.folder / "spool/tmp"
    (tmp / "old").touch()
    os.utime(tmp / "old", (0, 0))
    (tmp / "young").touch()
    assert take_in(cluster) == ""
    assert [path.name for path in tmp.iterdir()] == ["young"]


@sanitize
def test_one_that_the_database_refuses_is_set_aside(
        stack: Stack, cluster: Cluster, responder: Responder) -> None:
    """The others of its batch are stored; nothing is lost, and nobody is
    asked to send it again."""
    refused, envelope = call(stack)
    psql(cluster.env, "ALTER TABLE event ADD CONSTRAINT picky"
         " CHECK (resource_id <> :'id');", id=refused)
    try:
        assert responder.post(envelope).status == 200
        assert responder.is_("healthy")  # it is not the database's fault
        others = accepted(responder, 3)
        assert stored_once(cluster, others)
        cluster.crash()
        others += accepted(responder, 3)
        cluster.start()
        errors = take_in(cluster)
        assert "picky" in errors
        assert stored_once(cluster, others)
        assert spooled(cluster) == []
        [aside] = spooled(cluster, "bad")
    finally:
        psql(cluster.env, "ALTER TABLE event DROP CONSTRAINT picky;")
    aside.rename(cluster.folder / "spool/new" / aside.name)
    assert take_in(cluster) == ""
    assert stored_once(cluster, [refused])


# --- when neither works ---

def test_full_disks_of_both_mean_try_again(stack: Stack) -> None:
    needs_mount()
    with private_cluster(stack, disk="160M") as cluster:
        no_pages(cluster)
        (cluster.folder / "disk").mkdir()
        config = cluster.config(webhook__spool=str(cluster.folder / "disk/s"))
        large = {"filler": "".join(f"{n:x}" for n in range(400000))}

        def post(responder: Responder) -> tuple[str, int]:
            resource, envelope = call(stack)
            return resource, responder.post({**envelope, **large}).status

        with small_disk(cluster.folder / "disk", "40M"), \
                private_responder(stack, config, cluster.folder) as responder:
            # the database's alone: the spool has it
            with full(cluster.folder / "run"):
                kept = []
                while not list((cluster.folder / "disk/s/new").glob("*")):
                    kept.append(post(responder))
                kept.append(post(responder))
                assert all(status == 200 for _, status in kept)
                # both
                with full(cluster.folder / "disk"):
                    lost = post(responder)
                    assert lost[1] == 503
                    until(lambda: responder.is_("unhealthy"))
                    assert responder.health().status == 503
                kept.append(post(responder))
                assert kept[-1][1] == 200
            until(lambda: stack_up(cluster))
            until(lambda: responder.is_("healthy"))
            take_in(cluster, config)
            assert stored_once(cluster, [resource for resource, _ in kept])
            assert "No space left" in responder.stop()


def stack_up(cluster: Cluster) -> bool:
    """Is the database up again? Some failures make it restart."""
    try:
        return bool(cluster.rows("SELECT 1"))
    except AssertionError:
        return False


@sanitize
def test_a_full_spool_means_try_again(stack: Stack,
                                      cluster: Cluster) -> None:
    shutil.rmtree(cluster.folder / "spool", ignore_errors=True)
    config = cluster.config(webhook__spool_max="64K",
                            database__webhook="host=/nonexistent")
    with private_responder(stack, config, cluster.folder) as responder:
        kept = []
        filler = {"filler": "x" * 20000}
        for _ in range(3):
            resource, envelope = call(stack)
            kept.append(resource)
            assert responder.post({**envelope, **filler}).status == 200
        assert sum(path.stat().st_size for path in spooled(cluster)) <= 65536
        answer = responder.post({**call(stack)[1], **filler})
        assert answer.status == 503 and answer.json["error"] == "not_stored"
        assert responder.is_("unhealthy")
        assert "spool_max" in responder.stop()
    take_in(cluster)
    assert stored_once(cluster, kept)


# --- killed ---

@sanitize
@pytest.mark.parametrize("away", [True, False])
def test_a_killed_responder_loses_nothing_acknowledged(
        stack: Stack, cluster: Cluster, responder: Responder,
        away: bool) -> None:
    """Whether the database is away, or comes and goes."""
    got: list[str] = []
    ended = threading.Event()

    def sender() -> None:
        while not ended.is_set():
            resource, envelope = call(stack)
            if responder.post(envelope).status == 200:
                got.append(resource)

    if away:
        cluster.crash()
    threads = [threading.Thread(target=sender) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            seen = len(got)
            until(lambda: len(got) > seen + 20)
            if not away:
                cluster.crash()
                seen = len(got)
                until(lambda: len(got) > seen + 5)
            responder.kill()
            if not away:
                cluster.start()
            responder.start()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    if away:
        cluster.start()
    take_in(cluster)
    assert len(got) > 60
    assert stored_once(cluster, got)
    assert spooled(cluster, "bad") == []


def test_the_log_tells_no_secrets(cluster: Cluster,
                                  responder: Responder) -> None:
    cluster.crash()
    accepted(responder, 2)
    cluster.start()
    errors = responder.stop() + take_in(cluster)
    assert not re.search(r"\+1555\d{7}", errors)
