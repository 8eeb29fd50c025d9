"""The order of the sources: includes point down only, SQL is in sql/."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import TOP

# A folder may include what stands before it, and itself; folders that stand
# beside each other do not include one another.
LAYERS = [["base"], ["ext"], ["model"], ["queue", "api"], ["web", "sync"],
          ["cmd"]]
RANK = {folder: rank for rank, layer in enumerate(LAYERS) for folder in layer}

# Libraries that only one folder may know.
FENCED = re.compile(r"#include\s+<(libpq|postgres|curl/|openssl/|fcgi|fastcgi)")

# Functions that check nothing.
BANNED = re.compile(
    r"\b(atoi|atol|atoll|strcpy|strcat|sprintf|vsprintf|strtok|gets)\s*\(")

SQL = re.compile(r'"[^"\n]*\b(SELECT\s|INSERT\s+INTO|UPDATE\s+\w+\s+SET|'
                 r'DELETE\s+FROM|CREATE\s+TABLE)')

FILES = sorted(TOP.glob("src/*/*.[ch]"))


def code(path: Path) -> list[tuple[int, str]]:
    """Numbered lines without comments."""
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"),
                  path.read_text(), flags=re.S)
    return list(enumerate(text.splitlines(), 1))


def found(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    return [f"{path.relative_to(TOP)}:{number}: {line.strip()}"
            for path in files for number, line in code(path)
            if pattern.search(line)]


def test_every_folder_has_a_place() -> None:
    assert FILES
    assert {path.parent.name for path in FILES} <= RANK.keys()


@pytest.mark.parametrize("folder", RANK)
def test_includes_point_down(folder: str) -> None:
    wrong = []
    for path in (TOP / "src" / folder).glob("*.[ch]"):
        for number, line in code(path):
            match = re.match(r'\s*#include\s+"(\w+)/', line)
            if not match or match[1] == "sql" or match[1] == folder:
                continue
            if RANK[match[1]] >= RANK[folder]:
                wrong.append(f"{path.name}:{number}: {line}")
    assert wrong == []


def test_libraries_stay_behind_ext() -> None:
    assert found(FENCED, [p for p in FILES if p.parent.name != "ext"]) == []


def test_each_library_has_one_pair_in_ext() -> None:
    users: dict[str, set[str]] = {}
    for path in TOP.glob("src/ext/*.[ch]"):
        for _, line in code(path):
            if match := FENCED.search(line):
                users.setdefault(match[1].rstrip("/"), set()).add(path.stem)
    assert users
    assert {library: stems for library, stems in users.items()
            if len(stems) > 1} == {}


def test_no_sql_in_c() -> None:
    assert found(SQL, [p for p in FILES if p.suffix == ".c"]) == []


def test_no_functions_that_check_nothing() -> None:
    assert found(BANNED, FILES) == []


def test_one_statement_a_file() -> None:
    for path in TOP.glob("sql/queries/*.sql"):
        text = re.sub(r"--.*", "", path.read_text())
        text = re.sub(r"(\$\w*\$).*?\1", "", text, flags=re.S)
        assert text.strip().rstrip(";").count(";") == 0, path.name


SAMPLES = re.compile(
    r"AC[0-9a-f]{32}|whsec_[A-Za-z0-9+/]{32}|\+1(?!555)[2-9]\d{9}\b")


def test_samples_cannot_be_taken_for_real_ones() -> None:
    """Real-looking ids and secrets alarm scanners; numbers are 555 ones."""
    folders = ("src", "sql", "tests", "man", "nginx", "cron", "systemd")
    wrong = []
    for path in (p for folder in folders for p in (TOP / folder).rglob("*")):
        if path.suffix in (".c", ".h", ".py", ".sh", ".json", ".sql", ".1",
                           ".5", ".7", ".8", ".conf", ".md"):
            wrong += [f"{path.relative_to(TOP)}: {match[0]}" for match in
                      SAMPLES.finditer(path.read_text(errors="replace"))]
    assert wrong == []
