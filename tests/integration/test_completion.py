"""Completion in bash: what it offers is what onsctl knows."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from conftest import TOP, clean_environment
from test_docs import commands, program, usage

SCRIPT = TOP / "completion" / "onsctl"
# as bash calls the function, for the words of a line of which the last is
# being written
CALL = r"""
source "$1"; shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
read -r _ _ function _ < <(complete -p onsctl)
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
((${#COMPREPLY[@]})) && printf '%s\n' "${COMPREPLY[@]}"
exit 0
"""


def offered(*words: str, env: dict[str, str] | None = None) -> list[str]:
    done = subprocess.run(
        ["bash", "-c", CALL, "bash", SCRIPT, program("onsctl"), *words],
        check=True, capture_output=True, text=True,
        env=clean_environment(**env or {}))
    assert done.stderr == ""
    return done.stdout.splitlines()


def words_in_c(path: str, name: str) -> list[str]:
    """Those of an array of strings in a source."""
    text = (TOP / "src" / path).read_text()
    found = re.search(rf"\b{name}\[\] = \{{(.*?)\}};", text, flags=re.S)
    assert found
    return re.findall(r'"([^"]+)"', found[1])


def test_commands() -> None:
    assert offered("") == commands()
    assert offered("re") == [one for one in commands()
                             if one.startswith("re")]
    assert offered("-w", "east", "--json", "") == commands()
    assert offered("nonsense", "") == []


def test_options_before_the_command() -> None:
    text = (TOP / "src/cmd/onsctl.c").read_text()
    table = text[text.index("option options[]"):text.index("usage(FILE")]
    known = re.findall(r'^\t\{ "([\w-]+)"', table, flags=re.M)
    assert sorted(offered("-")) == sorted(f"--{name}" for name in known)


@pytest.mark.parametrize("command", commands())
def test_options_of_a_command(command: str) -> None:
    line = usage("onsctl", command).splitlines()[0]
    known = {*re.findall(r"--[\w-]+", line), "--json", "--help"}
    assert set(offered(command, "-")) == known
    assert set(offered("-c", "x", command, "--json", "--")) == known


def test_what_webhooks_does() -> None:
    text = (TOP / "src/cmd/ctl_webhooks.c").read_text()
    known = {*re.findall(r'strcmp\(what, "(\w+)"\)', text)}
    assert len(known) == 5
    assert set(offered("webhooks", "")) == known
    assert offered("webhooks", "r") == ["rotate"]
    assert "--adopt" in offered("webhooks", "create", "")


@pytest.mark.parametrize("command, source", [
    ("jobs", "jobs"), ("retry", "jobs"), ("discard", "jobs"),
    ("events", "events"), ("replay", "replay")])
def test_kinds(command: str, source: str) -> None:
    assert offered(command, "--kind", "") \
        == words_in_c(f"cmd/ctl_{source}.c", "kinds")


def test_outcomes() -> None:
    assert offered("events", "--outcome", "") \
        == words_in_c("cmd/ctl_events.c", "outcomes")
    assert offered("events", "--outcome", "d") == ["done", "discarded"]


def test_types() -> None:
    text = (TOP / "src/model/event.c").read_text()
    # other spellings of types that are there are not for typing
    text = re.sub(r"\t/\* the app's names.*?\*/\n(\t\{.*\n){2}", "", text)
    known = re.findall(r'^\t\{ "([\w.]+)", "\w+", \w+, NULL \}', text,
                       flags=re.M)
    assert len(known) > 25
    for command in (["events"], ["webhooks", "test"]):
        assert offered(*command, "--type", "") == known
    sent = (TOP / "src/cmd/ctl_send_test.c").read_text()
    assert offered("send-test", "--type", "") == re.findall(
        r'^\t\{ "([\w.]+)"', sent[sent.index("} types[]"):], flags=re.M)


def test_every_option_with_words_has_them() -> None:
    """A new one is not forgotten."""
    for command in commands():
        line = usage("onsctl", command).splitlines()[0]
        for option in re.findall(r"(--(?:kind|type|outcome)) [A-Z]", line):
            assert not offered(command, option, "")[0].startswith("-")


def test_workspaces(tmp_path: Path) -> None:
    config = tmp_path / "ons.conf"
    config.write_text("[notion]\n[workspace east]\n  [workspace west]\n")
    assert offered("-c", str(config), "-w", "") == ["east", "west"]
    assert offered("--workspace", "w", env={"ONS_CONFIG": str(config)}) \
        == ["west"]
    assert offered("-c", str(tmp_path / "none"), "-w", "") == []


def test_files(tmp_path: Path) -> None:
    (tmp_path / "one.conf").touch()
    assert offered("-c", f"{tmp_path}/o") == [f"{tmp_path}/one.conf"]
