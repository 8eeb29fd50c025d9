"""The stack itself: quickstart.sh up and down, and the sender of deliveries."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import TOP, Stack, clean_environment, title

import deliver

QUICKSTART = TOP / "quickstart.sh"


def quickstart(*args: str | Path, expect: int = 0, **env: str) -> str:
    done = subprocess.run([QUICKSTART, *args], env=env or {}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False)
    assert done.returncode == expect, done.stdout
    return done.stdout


def processes(state: Path) -> list[str]:
    """Command lines of everything that runs for the stack in that folder."""
    run = os.path.realpath(state / "run") if (state / "run").exists() else ""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            line = (proc / "cmdline").read_bytes().replace(b"\0", b" ")
        except OSError:
            continue
        if any(name in line.decode(errors="replace")
               for name in (f"{state}/", run) if name):
            found.append(line.decode(errors="replace"))
    return found


def test_deliveries_are_signed_as_openphone_does() -> None:
    """Published vectors: of Standard Webhooks, and of the legacy scheme."""
    assert deliver.sign_standard(
        "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330)["webhook-signature"] == \
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert deliver.sign_legacy(
        "R2ZLM2o0bFhBNVpyUnU2NG9mYXQ1MHNyR3pvSUhIVVg=", b"{}",
        1776081600)["openphone-signature"] == \
        "hmac;1;1776081600000;W2ip9NSlM+GHVdp/IMxJIpsvq69e7rno1M1UQz86A2E="


def test_env_has_all_that_users_need(stack: Stack) -> None:
    """A shell reads from it just what Python does."""
    names = ("ONS_CONFIG ONS_URL ONS_WEBHOOK_SECRET ONS_LEGACY_KEY ONS_BIN"
             " PGHOST PGPORT PGUSER PGDATABASE S3_ENDPOINT S3_BUCKET"
             " S3_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"
             " OPENPHONE_API_BASE NOTION_API_BASE SANDBOX_URL"
             " SANDBOX_RECORD").split()
    shown = subprocess.run(
        ["sh", "-c", f". {stack.state}/env; env"], text=True, check=True,
        stdout=subprocess.PIPE, env={"PATH": os.environ["PATH"]}).stdout
    exported = dict(line.split("=", 1) for line in shown.splitlines())
    assert {name: exported.get(name) for name in names} == \
        {name: stack.env[name] for name in names}
    for name in ("ons-webhook", "ons-portal", "ons-process", "onsctl"):
        assert os.access(f"{stack.env['ONS_BIN']}/{name}", os.X_OK)


def test_up_again_leaves_the_running_stack_alone(stack: Stack) -> None:
    said = quickstart("up", "--state", stack.state, "--bin",
                      stack.env["ONS_BIN"], expect=1)
    assert "already" in said and "down" in said
    assert stack.request("GET", "/health").status == 200
    assert (stack.state / "env").exists()


@pytest.fixture
def real(stack: Stack, tmp_path: Path) -> Iterator[Path]:
    """A second stack on "real" services: the first one's sandbox and S3."""
    services = {name: value for name, value in stack.env.items()
                if re.match("OPENPHONE_|NOTION_|S3_|AWS_", name)}
    try:
        said = quickstart("up", "--real", "--state", tmp_path, "--bin",
                          stack.env["ONS_BIN"], **services)
        assert "sandbox" not in said
        yield tmp_path
    finally:
        quickstart("down", "--state", tmp_path)


def test_up_with_the_real_services(stack: Stack, real: Path) -> None:
    other = Stack(real)
    assert "SANDBOX_URL" not in other.env
    assert other.env["PGHOST"] != stack.env["PGHOST"]
    assert "allow" not in other.config.read_text()
    assert not list(real.glob("swift")) and not (
        real / "pids" / "sandbox").exists()
    assert processes(real)

    event = other.load("2026-03-30/message.received", other.fresh())
    other.send(event)
    other.process()
    [row] = other.rows("SELECT page_id FROM v_pages")
    assert title(stack.control("GET", f"/notion/pages/{row['page_id']}"))

    quickstart("down", "--state", real)
    assert processes(real) == []
    assert not Path(other.env["PGHOST"]).exists()
    assert not (real / "env").exists() and not other.config.exists()
    assert stack.request("GET", "/health").status == 200


def test_up_with_the_real_services_needs_their_keys(tmp_path: Path) -> None:
    said = quickstart("up", "--real", "--state", tmp_path, "--bin", tmp_path,
                      expect=1)
    assert "OPENPHONE_API_KEY" in said
    assert processes(tmp_path) == []


def test_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in ("log", "nginx"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "precious").touch()
    assert quickstart("down", "--state", tmp_path) == ""
    said = quickstart("up", "--state", tmp_path, "--bin", tmp_path, expect=1)
    assert "another folder" in said
    assert len(list(tmp_path.glob("*/precious"))) == 2
    assert processes(tmp_path) == []


def test_wrong_usage() -> None:
    for args in ([], ["frobnicate"], ["demo", "--real"], ["up", "--fast"]):
        assert "quickstart.sh demo" in quickstart(*args, expect=64)
    assert "quickstart.sh demo" in quickstart("help")


def test_a_stack_that_cannot_start_leaves_nothing(tmp_path: Path) -> None:
    """The programs are missing here: everything that came up goes down."""
    said = quickstart("up", "--state", tmp_path, "--bin", tmp_path, expect=1,
                      **clean_environment())
    assert "log" in said
    assert processes(tmp_path) == []
    assert not (tmp_path / "env").exists()
