"""The documents say what the programs do: keys, options, tables, files."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import TOP

CONF_C = (TOP / "src/model/conf.c").read_text()
CONF_5 = (TOP / "man/openphone-notion-sync.conf.5").read_text()
OVERVIEW_7 = (TOP / "man/openphone-notion-sync.7").read_text()
SAMPLE = (TOP / "openphone-notion-sync.conf.sample").read_text()
HACKING = (TOP / "HACKING.md").read_text()
PROGRAMS = ("ons-webhook", "ons-process", "ons-portal", "onsctl")

# What a manual page calls the types, and the units that a value may have.
TYPES = {"STRING": "text", "SECRET": "secret", "CHOICE": "choice",
         "BOOL": "yes or no", "NUMBER": "number", "TIME": "time",
         "SIZE": "size", "PATH": "path", "TITLE": "template",
         "PHONES": "numbers", "HOURS": "hours", "SHARE": "share"}
UNITS = {"TIME": {"ms": 1, "s": 1000, "m": 60000, "h": 3600000,
                  "d": 86400000},
         "SIZE": {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30},
         "SHARE": {"%": 1}, "NUMBER": {"": 1}}


class Key(NamedTuple):
    """A row of the table in conf.c."""

    section: str
    name: str
    env: str | None
    type: str
    default: str | None
    choices: str | None
    min: int
    max: int

    def amount(self, value: int) -> str:
        """In the largest unit that divides it, as the programs say it."""
        if self.type == "TIME" and value == 0:
            return "0s"
        unit, factor = max(
            ((u, f) for u, f in UNITS[self.type].items() if value % f == 0),
            key=lambda pair: pair[1])
        return f"{value // factor}{unit}"


def string(text: str) -> str | None:
    """A C string literal, perhaps in several pieces, or NULL."""
    if text == "NULL":
        return None
    return "".join(re.findall(r'"([^"]*)"', text))


def read_keys() -> list[Key]:
    table = CONF_C[CONF_C.index("} keys[] = {"):CONF_C.index("#define N_KEYS")]
    literal = r'(NULL|"[^"]*"(?:\s*"[^"]*")*)'
    row = re.compile(
        rf'\{{\s*"(\w+)",\s*"(\w+)",\s*{literal},\s*(\w+),\s*AT\([\w.]+\),'
        rf"\s*{literal},\s*{literal},\s*(\d+),\s*(\d+),")
    rows = [Key(m[1], m[2], string(m[3]), m[4], string(m[5]), string(m[6]),
                int(m[7]), int(m[8])) for m in row.finditer(table)]
    assert len(rows) == table.count("AT("), "a row that is not understood"
    return rows


KEYS = read_keys()
each_key = pytest.mark.parametrize(
    "key", KEYS, ids=lambda key: f"{key.section}.{key.name}")


def manual_items() -> dict[tuple[str, str], str]:
    """What conf.5 says, without macros, for each section and key."""
    items: dict[tuple[str, str], str] = {}
    for part in re.split(r"^\.Ss \[", CONF_5, flags=re.M)[1:]:
        section, _, text = part.partition("]\n")
        text = text.partition("\n.Sh ")[0]
        for item in re.split(r"^\.It Ic ", text, flags=re.M)[1:]:
            name, _, body = item.partition("\n")
            body = re.sub(r"^\.(?:Em|Cm|Ev) ", "", body, flags=re.M)
            items[section, name] = re.sub(r" ([;.,])$", r"\1", body,
                                          flags=re.M).replace("\n", " ")
    return items


def sample_lines() -> dict[tuple[str, str], str]:
    """The settings of the sample, all of them commented out by a ";"."""
    found: dict[tuple[str, str], str] = {}
    section = ""
    for line in SAMPLE.splitlines():
        if match := re.fullmatch(r"\[(\w+)\]", line):
            section = match[1]
        elif line and not line.startswith("#"):
            match = re.fullmatch(r";(\w+) =(?: (\S.*))?", line)
            assert match, line
            assert (section, match[1]) not in found, line
            found[section, match[1]] = match[2] or ""
    return found


def test_conf_c_is_read() -> None:
    assert len(KEYS) >= 50
    assert {key.type for key in KEYS} == TYPES.keys()


@each_key
def test_a_key_is_in_the_manual(key: Key) -> None:
    said = manual_items()[key.section, key.name]
    head = said.partition(" .br ")[0]
    assert head.startswith(TYPES[key.type])
    if key.default is None:
        assert "default" not in head
    else:
        assert re.search(rf"default {re.escape(key.default)}[;.]", head)
    if key.env is None:
        assert "environment" not in head
    else:
        assert f"environment {key.env}." in head
    if key.type in UNITS:
        limits = f"from {key.amount(key.min)} to {key.amount(key.max)}"
        assert re.search(rf"; {limits}[;.]", head)
    if key.choices is not None:
        assert "of " + " or ".join(key.choices.split("|")) in head


def test_the_manual_knows_no_other_keys() -> None:
    assert manual_items().keys() == {(k.section, k.name) for k in KEYS}


@each_key
def test_a_key_is_in_the_sample(key: Key) -> None:
    value = sample_lines()[key.section, key.name]
    if key.default is not None:
        assert value == key.default
    # ... under an explanation, which ends with the name in the environment
    where = SAMPLE.index(f"[{key.section}]")
    above = re.findall(
        rf"((?:^# .*\n)+)^;{key.name} =", SAMPLE[where:], flags=re.M)
    assert above
    if key.env is not None:
        assert any(text.endswith(f"({key.env})\n") for text in above)


def test_the_sample_knows_no_other_keys() -> None:
    assert sample_lines().keys() == {(k.section, k.name) for k in KEYS}


def filled_in() -> str:
    """The sample as a person fills it in, with every setting set."""
    secret = "whsec_" + "AAAA" * 8
    own = {"secrets": secret, "parent_page": "a" * 32,
           "calls_database": "b" * 32, "messages_database": "c" * 32,
           "legacy_keys": "AAAA" * 8, "file": "/dev/null", "path_of": "",
           "numbers": "+15550100001 +15550100002", "ignore": "+15550100003",
           "webhook": "https://hooks.example.com/x",
           "ping": "https://ping.example.com/x"}

    def fill(match: re.Match[str]) -> str:
        return f"{match[1]} = {match[2] or own.get(match[1], 'x')}"

    return re.sub(r"^;(\w+) =(?: (\S.*))?$", fill, SAMPLE, flags=re.M)


def program(name: str) -> Path:
    path = Path(os.environ.get("ONS_TEST_BIN", TOP)) / name
    if not path.exists():
        pytest.skip("not built")
    return path


def check_config(path: Path, text: str) -> subprocess.CompletedProcess[str]:
    path.touch(0o600)
    path.write_text(text)
    return subprocess.run(
        [program("onsctl"), "-c", path, "check-config"], check=False,
        capture_output=True, text=True, env={"HOME": "/nonexistent"})


def test_the_sample_works_once_it_is_filled_in(tmp_path: Path) -> None:
    done = check_config(tmp_path / "ons.conf", filled_in())
    assert (done.returncode, done.stderr) == (0, "")


def test_the_sample_as_it_is_says_what_is_missing(tmp_path: Path) -> None:
    done = check_config(tmp_path / "ons.conf", SAMPLE)
    assert done.returncode == 78
    assert re.findall(r"is missing: set it as \[(\w+)\] (\w+)",
                      done.stderr) == [
        ("openphone", "api_key"), ("notion", "api_key"),
        ("media", "base_url"), ("s3", "endpoint"), ("s3", "bucket"),
        ("s3", "access_key"), ("s3", "secret_key")]


@pytest.mark.parametrize("key", [key for key in KEYS if key.env],
                         ids=lambda key: key.env)
def test_a_name_in_the_environment_is_taken(key: Key) -> None:
    """Those of the original project among them."""
    value = (key.choices or "").split("|")[0] or (
        "/some/path" if key.type == "PATH" else
        "dbname=one" if key.name == "conninfo" else "https://one.example.org")
    done = subprocess.run(
        [program("onsctl"), "-c", "/dev/null", "config"], check=True,
        stdout=subprocess.PIPE, text=True, env={key.env or "": value})
    section = done.stdout.partition(f"[{key.section}]\n")[2].partition("[")[0]
    assert re.search(
        rf"^; {key.name} = \(set, not shown\)$" if key.type == "SECRET"
        else rf"^{key.name} = {re.escape(value)}$", section, re.M), section


# ---- programs ----

def usage(name: str, *args: str) -> str:
    return subprocess.run([program(name), *args, "--help"], check=True,
                          stdout=subprocess.PIPE, text=True,
                          env={"HOME": "/nonexistent"}).stdout


def manual(name: str) -> str:
    return (TOP / "man" / f"{name}.8").read_text()


@pytest.mark.parametrize("name", PROGRAMS)
def test_options_are_in_the_manual(name: str) -> None:
    options = re.findall(r"^  -(\w), --([\w-]+)", usage(name), flags=re.M)
    assert options or name == "onsctl"
    for short, long in options:
        assert re.search(rf"^\.It Fl {short}\b.* , Fl -{long}\b",
                         manual(name), flags=re.M), f"-{short}, --{long}"


def commands() -> list[str]:
    table = (TOP / "src/cmd/onsctl.c").read_text()
    table = table[table.index("} commands[] = {"):table.index("N_COMMANDS")]
    return re.findall(r'^\t\{ "([\w-]+)",', table, flags=re.M)


def described() -> dict[str, str]:
    """Each command's heading in the manual, without line ends."""
    heads = re.findall(r"^\.It (?:Xo\n(.*?)\.Xc|(Cm .*?))$", manual("onsctl"),
                       flags=re.M | re.S)
    texts = [(a or b).replace("\n", " ").strip(". ") for a, b in heads]
    return {text.split()[1]: text for text in texts if text.startswith("Cm")}


def test_the_manual_has_the_commands_that_there_are() -> None:
    assert commands()
    assert sorted(described()) == sorted(commands())


@pytest.mark.parametrize("command", commands())
def test_arguments_of_commands_are_in_the_manual(command: str) -> None:
    first = usage("onsctl", command).splitlines()[0]
    options = re.findall(r"--([\w-]+)(?: ([A-Z]+))?", first)
    head = described()[command]
    for option, argument in options:
        assert f"Fl -{option}" in head
        if argument:
            assert f"Fl -{option} Ar {argument.lower()}" in head
    assert len(options) == head.count("Fl -")


@pytest.mark.parametrize("name, source", [("ons-webhook", "intake"),
                                          ("ons-portal", "portal")])
def test_answers_are_in_the_manual(name: str, source: str) -> None:
    text = (TOP / f"src/web/{source}.c").read_text()
    answers = re.findall(
        r'"(\d{3}) [A-Z][\w ]+",\s*[^"]*(?:"(?:Allow|Retry)[^"]*"|"")?'
        r'[\w\s,]*"([a-z]+_[a-z_]+|unavailable)"', text)
    assert len(answers) == text.count("answer_error(") >= 3
    for status, code in answers:
        assert f".It Li {status} {code}\n" in manual(name), (status, code)


# sysexits(3), and what onsctl adds to it
EXITS = {"EX_OK": 0, "EX_DIFFERS": 1, "DOCTOR_FAILURE": 2, "EX_USAGE": 64,
         "EX_DATAERR": 65, "EX_UNAVAILABLE": 69, "EX_TEMPFAIL": 75,
         "EX_NOPERM": 77, "EX_CONFIG": 78}


@pytest.mark.parametrize("name, others", [
    ("openphone-notion-sync.7", False), ("onsctl.8", True)])
def test_exit_statuses_are_in_the_manual(name: str, others: bool) -> None:
    """All that any of the programs has, and no others."""
    words = {word for path in (TOP / "src/cmd").glob("*.c")
             if others or not path.name.startswith(("ctl_", "doctor"))
             for word in re.findall(r"\b(EX_[A-Z]+|DOCTOR_FAILURE)\b",
                                    path.read_text())}
    text = (TOP / "man" / name).read_text().partition(".Sh EXIT STATUS")[2]
    listed = re.findall(r"^\.It (\d+)$", text.partition(".Sh ")[0], re.M)
    assert [int(one) for one in listed] == sorted(
        EXITS[word] for word in words)


# ---- the overview, and the map ----

def test_the_states_are_explained() -> None:
    tables = "".join(path.read_text()
                     for path in sorted(TOP.glob("sql/migrations/*.sql")))
    words = set()
    for view in re.findall(r"^CREATE VIEW .*?;$", tables, flags=re.M | re.S):
        for case in re.findall(r"\bCASE\b.*?\bEND AS (?:state|outcome)\b", view,
                               flags=re.S):
            words |= set(re.findall(r"(?:THEN|ELSE) '(\w+)'", case))
    for check in re.findall(r"CHECK \(state IN \(([^)]*)\)\)", tables):
        words |= set(re.findall(r"'(\w+)'", check))
    assert len(words) >= 10
    explained = set(re.findall(r"^\.It Li (\w+)$", OVERVIEW_7, flags=re.M))
    assert words <= explained


def test_the_views_are_named_in_the_documents() -> None:
    grants = (TOP / "sql/queries/grants.sql").read_text()
    views = re.findall(r"'(v_\w+)'", grants)
    assert views
    for view in views:
        assert view in OVERVIEW_7 or view in HACKING, view


def test_alerts_are_explained() -> None:
    """All of them, each with what to do about it."""
    table = (TOP / "src/model/alert.c").read_text()
    table = table[table.index("remedies[] = {"):].partition("};")[0]
    known = set(re.findall(r'^\t\{ "(\w+)",', table, flags=re.M)) - {"test"}
    looks = {what for path in TOP.glob("sql/queries/alert_*.sql")
             for what in re.findall(r"alert_look\(\$1, '(\w+)'",
                                    path.read_text())}
    looks |= set(re.findall(r'note\(\s*db, "(\w+)"',
                            (TOP / "src/queue/symptom.c").read_text()))
    section = OVERVIEW_7[OVERVIEW_7.index(".Sh ALERTS"):]
    section = section[:section.index(".El")]
    explained = set(re.findall(r"^\.It Li (\w+)$", section, flags=re.M))
    assert known == looks == explained and len(known) == 7


def test_every_source_is_on_the_map() -> None:
    there = {f"{path.parent.name}/{path.stem}"
             for path in TOP.glob("src/*/*.[ch]")}
    folders = "|".join({name.partition("/")[0] for name in there})
    shown = set(re.findall(rf"^- `((?:{folders})/[\w-]+)`", HACKING,
                           flags=re.M))
    assert shown == there


@pytest.mark.parametrize("name", ["README.md", "HACKING.md"])
def test_files_that_are_named_exist(name: str) -> None:
    text = (TOP / name).read_text()
    named = set(re.findall(
        r"(?<![\w/])((?:src|sql|tests|man|nginx|cron|systemd)/[\w./-]*\w)",
        text))
    assert named
    missing = [path for path in sorted(named) if not list(TOP.glob(path + "*"))]
    # examples have a word in capitals for what differs
    assert [path for path in missing if not re.search("[A-Z]{4}", path)] == []
