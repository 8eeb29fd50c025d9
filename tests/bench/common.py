"""What the measurements share: a durable stack, the table, programs to compare.

A part is a module of this folder with `def measure(bench: Bench) -> None`,
which measures ours and what it is compared with in turns, on the same
machine and cluster, and calls bench.row() for each figure.  Absolute figures
drift from hour to hour by a third: what is compared is ratios of one run.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
BENCH = TOP / "tests" / "bench"
sys.path[:0] = [str(TOP / "tests" / name)
                for name in ("integration", "sandbox")]

from conftest import Stack, psql  # noqa: E402


@dataclass
class Row:
    what: str
    value: str
    ratio: str = ""  # of what it is compared with
    aim: str = ""
    met: bool | None = None  # None: nothing is aimed at


class Bench:
    """One run: its folder, its stack and what it has measured."""

    def __init__(self, programs: Path, quick: bool) -> None:
        self.programs = programs
        self.quick = quick
        self.rows: list[Row] = []
        self.folder = Path(tempfile.mkdtemp(prefix="ons-bench."))
        self.folder.chmod(0o711)  # PostgreSQL runs as somebody else
        self._stack: Stack | None = None

    @property
    def stack(self) -> Stack:
        """The private stack, whose PostgreSQL is as durable as a server's."""
        if self._stack is None:
            state = self.folder / "stack"
            subprocess.run(
                [TOP / "quickstart.sh", "up", "--state", state,
                 "--bin", self.programs], check=True,
                stdout=subprocess.DEVNULL,
                env={**os.environ, "ONS_POSTGRES":
                     "-c fsync=on -c max_connections=200"})
            self._stack = Stack(state)
            assert self.sql("SHOW fsync; SHOW synchronous_commit") == "on\non"
        return self._stack

    def fresh_stack(self) -> Stack:
        """Another one: what a part has stored is not for the next."""
        self.down()
        return self.stack

    def down(self) -> None:
        if (self.folder / "stack").exists():
            subprocess.run([TOP / "quickstart.sh", "down", "--state",
                            self.folder / "stack"], check=True)
            shutil.rmtree(self.folder / "stack")
        self._stack = None

    def close(self) -> None:
        self.down()
        shutil.rmtree(self.folder)

    def sql(self, script: str, superuser: bool = False) -> str:
        env = dict(self.stack.env)
        if superuser:
            env["PGUSER"] = "postgres"
        return psql(env, script).strip()

    def row(self, what: str, value: str, ratio: str = "", aim: str = "",
            met: bool | None = None) -> None:
        self.rows.append(Row(what, value, ratio, aim, met))
        print(f"  {what}: {value}  {ratio}  {aim}", file=sys.stderr,
              flush=True)

    def npm(self, **packages: str) -> Path | None:
        """A folder with npm's packages of exactly these versions, or None
        (after saying so) where there is no npm or it cannot get them."""
        folder = self.folder / "npm"
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text(
            json.dumps({"private": True, "type": "module",
                        "dependencies": packages}))
        try:
            subprocess.run(
                ["npm", "install", "--no-package-lock", "--no-audit",
                 "--no-fund", "--silent"], cwd=folder, check=True,
                stdout=subprocess.DEVNULL)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            print(f"  without {', '.join(packages)}: {error}",
                  file=sys.stderr)
            return None
        return folder

    def compile(self, source: str, *libraries: str) -> Path:
        """A program of this folder that something is compared with."""
        program = self.folder / source.removesuffix(".c")
        subprocess.run(["cc", "-O2", "-Wall", "-o", program, BENCH / source,
                        *libraries], check=True)
        return program
