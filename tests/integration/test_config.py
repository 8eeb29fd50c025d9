"""Configuration errors say where, what was expected, and what to do."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from conftest import Stack

pytestmark = pytest.mark.sanitize

EX_USAGE, EX_CONFIG = 64, 78


def complaint(stack: Stack, program: str, *args: str, config: Path,
              expect: int | None = EX_CONFIG) -> str:
    """What the program says on standard error: one line."""
    done = stack.run(program, *args, config=config, expect=expect)
    assert done.returncode != 0
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# key, its bad value, what the message must say besides file, line and key
BAD = {
    "webhook__tolerance": ("5 minutes", "time"),
    "webhook__max_body": ("16 MB", "size"),
    "webhook__threads": ("0", "1"),
    "webhook__allow_unsigned": ("maybe", "yes or no"),
    "process__workers": ("-1", "whole number"),
    "process__lease": ("", "time"),
    "notion__schema": ("mine", "ours"),
    "notion__rate": ("1e3", "whole number"),
    "media__link": ("email", "portal"),
    "media__max_size": ("99999999999999999999", "size"),
    "log__level": ("loud", "debug"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_values(stack: Stack, tmp_path: Path, name: str) -> None:
    value, expected = BAD[name]
    config = stack.variant(tmp_path, **{name: value})
    section, _, key = name.partition("__")
    line = [n for n, text in enumerate(config.read_text().splitlines(), 1)
            if re.match(rf"{key} *= *{re.escape(value)}$", text)][-1]
    said = complaint(stack, "onsctl", "check-config", config=config)
    assert f"{config}:{line}:" in said
    assert f"[{section}] {key}" in said
    assert expected in said


@pytest.mark.parametrize("extra, words", [
    ("[notion]\napikey = x\n", ["apikey", "[notion]", "api_key"]),
    ("[notoin]\napi_key = x\n", ["[notoin]", "notion"]),
    ("just words\n", ["key = value"]),
    ("[log]\nlevel = info\nfile = x\nlevel = warn\n", ["already"]),
])
def test_what_it_does_not_know(stack: Stack, tmp_path: Path, extra: str,
                               words: list[str]) -> None:
    config = stack.variant(tmp_path)
    config.write_text(config.read_text() + extra)
    said = complaint(stack, "onsctl", "check-config", config=config)
    line = len(config.read_text().splitlines())
    assert f"{config}:{line}" in said
    assert [word for word in words if word not in said] == []


def test_a_file_that_everybody_can_read_is_refused(stack: Stack,
                                                   tmp_path: Path) -> None:
    config = stack.variant(tmp_path)
    config.chmod(0o644)
    said = complaint(stack, "onsctl", "check-config", config=config)
    assert str(config) in said and "chmod" in said
    config.chmod(0o640)
    stack.run("onsctl", "check-config", config=config)


def test_no_file(stack: Stack, tmp_path: Path) -> None:
    said = complaint(stack, "onsctl", "check-config",
                     config=tmp_path / "absent.conf")
    assert "absent.conf" in said and "No such file" in said


# program, the key it cannot do without, its name in the environment
NEEDED = [
    ("ons-process", "openphone__api_key", "OPENPHONE_API_KEY"),
    ("ons-process", "notion__api_key", "NOTION_API_KEY"),
    ("ons-process", "s3__secret_key", "AWS_SECRET_ACCESS_KEY"),
    ("ons-process", "s3__bucket", "S3_BUCKET"),
    ("ons-portal", "s3__endpoint", "S3_ENDPOINT"),
]


@pytest.mark.parametrize("program, name, variable", NEEDED)
def test_what_is_missing(stack: Stack, tmp_path: Path, program: str,
                         name: str, variable: str) -> None:
    config = stack.variant(tmp_path, **{name: None})
    section, _, key = name.partition("__")
    args = ["--drain"] if program == "ons-process" else []
    said = complaint(stack, program, *args, config=config)
    assert f"[{section}] {key}" in said and variable in said
    assert str(config) in said


def test_no_signing_secret(stack: Stack, tmp_path: Path) -> None:
    """Without any secret every delivery would be refused: say so at once."""
    config = stack.variant(tmp_path, webhook__secrets_file=None,
                           webhook__legacy_keys=None)
    said = complaint(stack, "ons-webhook", config=config)
    assert "WEBHOOK_SECRET" in said or "[webhook] secrets" in said


@pytest.mark.parametrize("value", ["whsec_***", "whsec_AAAA", "short"])
def test_unusable_signing_secrets(stack: Stack, tmp_path: Path,
                                  value: str) -> None:
    config = stack.variant(tmp_path, webhook__secrets_file=None,
                           webhook__secrets=value)
    said = complaint(stack, "ons-webhook", config=config)
    assert "secrets" in said and "base64" in said
    assert value.removeprefix("whsec_") not in said


def test_a_secret_in_a_file_of_its_own(stack: Stack, tmp_path: Path) -> None:
    secret = tmp_path / "notion-key"
    secret.touch(0o600)
    secret.write_text(f"  {stack.env['NOTION_API_KEY']}\n")
    config = stack.variant(tmp_path, notion__api_key=None,
                           notion__api_key_file=str(secret))
    stack.run("ons-process", "--drain", config=config)
    secret.chmod(0o604)
    said = complaint(stack, "ons-process", "--drain", config=config)
    assert str(secret) in said and "chmod" in said
    secret.unlink()
    said = complaint(stack, "ons-process", "--drain", config=config)
    assert str(secret) in said


def test_the_environment_wins(stack: Stack) -> None:
    done = stack.run("onsctl", "config",
                     env={"NOTION_API_BASE": "https://notion.example.net",
                          "LOG_LEVEL": "debug"})
    assert "api_base = https://notion.example.net\n" in done.stdout
    assert "level = debug\n" in done.stdout
    done = stack.run("onsctl", "config", env={"LOG_LEVEL": "loud"},
                     expect=EX_CONFIG)
    assert "LOG_LEVEL" in done.stderr and "environment" in done.stderr


def test_config_shows_no_secret_and_reads_back(stack: Stack,
                                               tmp_path: Path) -> None:
    shown = stack.run("onsctl", "config").stdout
    secrets = [value for name, value in stack.env.items()
               if re.search("SECRET|API_KEY|LEGACY_KEY", name)]
    assert len(secrets) >= 5
    assert [s for s in secrets if s in shown] == []
    again = tmp_path / "again.conf"
    again.touch(stat.S_IRUSR | stat.S_IWUSR)
    again.write_text(shown)
    assert stack.run("onsctl", "config", config=again).stdout == \
        re.sub(r"^; (\w+) = \(set, not shown\)$", r"; \1 =", shown,
               flags=re.M)


def test_an_unreachable_database(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(
        tmp_path, database__conninfo=f"host={tmp_path} dbname=ons")
    for program, args in (("ons-process", ["--drain"]),
                          ("onsctl", ["status"]), ("onsctl", ["migrate"])):
        done = stack.run(program, *args, config=config, expect=None)
        assert done.returncode not in (0, EX_CONFIG, EX_USAGE)
        assert str(tmp_path) in done.stderr  # where it looked
        assert "[database] conninfo" in done.stderr \
            or "database" in done.stderr


def test_a_database_that_was_never_prepared(stack: Stack,
                                            tmp_path: Path) -> None:
    config = stack.variant(
        tmp_path, database__conninfo=
        f"host={stack.env['PGHOST']} dbname=postgres user=postgres",
        **{f"database__{role}": None
           for role in ("webhook", "process", "portal", "owner")})
    for program, args in (("ons-process", ["--drain"]),
                          ("onsctl", ["status"]), ("onsctl", ["jobs"])):
        done = stack.run(program, *args, config=config, expect=None)
        assert done.returncode != 0
        assert "onsctl migrate" in done.stderr


def test_a_wrong_connection_string(stack: Stack, tmp_path: Path) -> None:
    config = stack.variant(tmp_path, database__conninfo="hots=nowhere")
    done = stack.run("onsctl", "status", config=config, expect=None)
    assert done.returncode != 0 and "hots" in done.stderr


@pytest.mark.parametrize("program, args, words", [
    ("ons-webhook", ["--nonsense"], "usage"),
    ("ons-webhook", ["extra"], "usage"),
    ("ons-webhook", ["-t", "many"], "whole number"),
    ("ons-portal", ["-Z"], "usage"), ("ons-process", ["-w", "0"], "-w"),
    ("ons-process", ["extra"], "usage"), ("onsctl", [], "usage"),
    ("onsctl", ["frobnicate"], "frobnicate"), ("onsctl", ["show"], "usage"),
    ("onsctl", ["jobs", "a", "b"], "usage"),
    ("onsctl", ["jobs", "--limit", "x"], "usage"),
    ("onsctl", ["init", "--nonsense"], "usage"),
])
def test_wrong_usage(stack: Stack, program: str, args: list[str],
                     words: str) -> None:
    done = stack.run(program, *args, expect=None)
    assert done.returncode in (EX_USAGE, EX_CONFIG)
    assert words in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("program", ["ons-webhook", "ons-portal",
                                     "ons-process", "onsctl"])
def test_version_and_help(stack: Stack, program: str) -> None:
    done = stack.run(program, "--version")
    assert re.fullmatch(rf"{program} \(openphone-notion-sync\) [\d.]+"
                        r"(, with fail points)?\n", done.stdout)
    assert "usage" in stack.run(program, "--help").stdout.lower()
