"""The tree itself: what programs link, what tools say about the sources."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import TOP

SOURCES = sorted(TOP.glob("src/*/*.c"))
MANUALS = sorted(TOP.glob("man/*.[1-8]"))
SCRIPTS = sorted({*TOP.glob("*.sh"), *TOP.glob("sql/*.sh"),
                  *TOP.glob("tests/*/*.sh"), TOP / ".ci" / "run",
                  TOP / "completion" / "onsctl"})


def needs(tool: str) -> None:
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=TOP, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout


def test_shell_scripts() -> None:
    needs("shellcheck")
    assert len(SCRIPTS) >= 8
    run("shellcheck", "-x", *SCRIPTS)


@pytest.mark.parametrize("manual", MANUALS, ids=lambda path: path.name)
def test_manual_pages(manual: Path) -> None:
    needs("mandoc")
    run("mandoc", "-T", "lint", "-W", "warning", manual)


def test_there_is_a_manual_page_for_each_program() -> None:
    sections = {path.stem: path.suffix for path in MANUALS}
    assert {"ons-webhook", "ons-process", "ons-portal", "onsctl",
            "openphone-notion-sync",
            "openphone-notion-sync.conf"} <= sections.keys()


@pytest.mark.parametrize("program", ["ons-webhook", "ons-portal",
                                     "ons-process", "onsctl"])
def test_manuals_and_help_know_the_same_options(program: str) -> None:
    built = Path(os.environ.get("ONS_TEST_BIN", TOP)) / program
    if not built.exists():
        pytest.skip("not built")
    shown = subprocess.run([built, "--help"], stdout=subprocess.PIPE,
                           text=True, check=True).stdout
    [manual] = [path for path in MANUALS if path.stem == program]
    documented = manual.read_text().replace("\\-", "-")
    options = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", shown))
    missing = [option for option in sorted(options)
               if f"Fl -{option}" not in documented]
    assert not missing, f"{manual.name} does not say what these do: {missing}"


def test_cppcheck() -> None:
    needs("cppcheck")
    run("cppcheck", "-q", "-j2", "--std=c11", "-Isrc", "--error-exitcode=1",
        "--enable=warning,performance,portability", "--inline-suppr",
        "-Djson_array_foreach(a,i,v)=for(i=0;(v=json_array_get(a,i));i++)",
        "-Djson_object_foreach(o,k,v)=for(k=0;(v=json_object_get(o,k));)",
        "-Djson_object_foreach_safe(o,n,k,v)="
        "for(k=0;(v=json_object_get(o,k));)",
        # deliveries wait for their batch on the stacks of their threads
        "--suppress=autoVariables:src/web/writer.c", "src")


def test_clang_has_no_warning() -> None:
    needs("clang")
    if not (TOP / "config.h").exists():
        pytest.skip("the tree is not built")
    flags = subprocess.check_output(
        ["pkg-config", "--cflags", "fcgi", "libpq", "libcurl", "jansson",
         "libcrypto", "inih", "smartcols"], text=True).split()
    run("clang", "-fsyntax-only", "-std=gnu17", "-Wall", "-Wextra",
        "-Wshadow", "-Wconversion", "-Wstrict-prototypes", "-Werror",
        "-D_GNU_SOURCE", "-I.", "-Isrc", *flags, *SOURCES)


def test_systemd_units() -> None:
    needs("systemd-analyze")
    units = sorted(TOP.glob("systemd/*"))
    assert units
    done = subprocess.run(["systemd-analyze", "verify", *units], text=True,
                          capture_output=True, check=False,
                          env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    # nothing is installed where these look
    said = [line for line in done.stderr.splitlines()
            if "is not executable" not in line and "Command 'man" not in line]
    assert said == []


LINKS = {
    "ons-webhook": {"libfcgi", "libpq", "libjansson", "libcrypto"},
    "ons-portal": {"libfcgi", "libpq", "libjansson", "libcrypto"},
    "ons-process": {"libcurl", "libpq", "libjansson", "libcrypto"},
    "onsctl": {"libcurl", "libpq", "libjansson", "libcrypto",
               "libsmartcols"},
}


@pytest.mark.parametrize("program", LINKS)
def test_a_program_links_only_what_it_may_use(program: str) -> None:
    """ons-webhook cannot talk to the services: it has no HTTP client."""
    path = Path(os.environ.get("ONS_TEST_BIN", TOP)) / program
    if not path.exists():
        pytest.skip("not built")
    needs("readelf")
    dynamic = subprocess.check_output(["readelf", "-d", path], text=True)
    linked = set(re.findall(r"\(NEEDED\).*\[(\w+)", dynamic))
    watched = set.union(*LINKS.values())
    assert linked & watched == LINKS[program]


def test_release_programs_have_no_fail_points() -> None:
    places = {place.encode() for path in SOURCES for place in
              re.findall(r'FAILPOINT\("([a-z._]+)"\)', path.read_text())}
    assert len(places) > 40
    for program in LINKS:
        path = Path(os.environ.get("ONS_TEST_BIN", TOP)) / program
        if not path.exists():
            pytest.skip("not built")
        strings = set(path.read_bytes().split(b"\0"))
        assert b"ONS_FAILPOINTS" not in strings
        assert not places & strings
        version = subprocess.check_output([path, "--version"], text=True)
        assert "fail points" not in version


SIZES = {"ons-webhook": 300, "ons-process": 300, "ons-portal": 300,
         # every command and migration is in it
         "onsctl": 520}


@pytest.mark.parametrize("program", SIZES)
def test_stripped_programs_are_small(program: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("ONS_TEST_BIN", TOP))
    needs("strip")
    makefile = folder / "Makefile"
    if not makefile.exists() or not re.search(r"^CFLAGS = -g -Os$",
                                              makefile.read_text(), re.M):
        pytest.skip("CFLAGS are not those of configure")
    version = subprocess.check_output([folder / program, "--version"],
                                      text=True)
    if (b"__asan_init" in (folder / program).read_bytes()
            or "fail points" in version):
        pytest.skip("built for tests")
    run("strip", "-o", tmp_path / program, folder / program)
    assert (tmp_path / program).stat().st_size <= SIZES[program] * 1000


def test_statements_are_compiled_in_whole() -> None:
    """sql/embed.sh drops indentation and lines that are comments, which a
    literal over several lines would be changed by."""
    files = sorted(TOP.glob("sql/queries/*.sql"))
    for path in files:
        for line in re.sub(r"--.*", "", path.read_text()).splitlines():
            assert line.count("'") % 2 == 0, f"{path.name}: {line}"
    made = subprocess.check_output(
        [TOP / "sql/embed.sh", "queries", *files], text=True)
    literals = re.findall(r'^const char SQL_(\w+)\[\] =\n(.*?");$', made,
                          re.M | re.S)
    assert len(literals) == len(files)
    for (name, literal), path in zip(literals, files, strict=True):
        assert name == path.stem
        text = re.sub(r"\\(.)", lambda escaped:
                      {"n": "\n"}.get(escaped[1], escaped[1]),
                      "".join(re.findall(r'^\t"(.*)"$', literal, re.M)))
        code = re.sub(r"^\s*--.*", "", path.read_text(), flags=re.M)
        assert text.split() == code.split(), path.name


def test_deliveries_are_json() -> None:
    for path in TOP.glob("tests/deliveries/*/*.json"):
        json.loads(path.read_text())
