"""The stack's PostgreSQL, to be stopped, killed, cut off and filled up."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from disks import small_disk
from integration import STACK, Stack, psql, until


class Database:
    """What an administrator, an accident or a full disk does to it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.folder = (stack.state / "run" / "pg").resolve()
        self.env = {**stack.env, "PGUSER": "postgres"}

    def _postgres(self, what: str) -> None:
        subprocess.run([STACK / "postgres.sh", what, self.stack.state],
                       check=True)

    def start(self) -> None:
        self._postgres("start")

    def stop(self) -> None:
        """In order."""
        self._postgres("stop")

    def crash(self) -> None:
        """At once; it recovers from its log when it is started again."""
        self._postgres("crash")

    def answers(self) -> bool:
        with contextlib.suppress(AssertionError):
            psql(self.env, "SELECT;")
            return True
        return False

    def runs(self) -> bool:
        """The server itself, though it may just be recovering."""
        try:
            text = (self.folder / "data/postmaster.pid").read_text()
            return Path(f"/proc/{text.split()[0]}").exists()
        except FileNotFoundError:
            return False

    def rows(self, select: str) -> list[dict[str, Any]]:
        return json.loads(psql(
            self.env, f"SELECT coalesce(json_agg(q), '[]') FROM ({select}) q;"))

    # --- sessions ---

    def cut(self) -> int:
        """End the programs' sessions; how many there were."""
        return len(self.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name LIKE 'ons-%'"))

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """To all but this class: its socket is somewhere else."""
        aside = self.folder / "aside"
        aside.mkdir(exist_ok=True)
        name = f".s.PGSQL.{self.env['PGPORT']}"
        (self.folder / name).rename(aside / name)
        self.env["PGHOST"] = str(aside)
        try:
            yield
        finally:
            self.env["PGHOST"] = str(self.folder)
            (aside / name).rename(self.folder / name)

    # --- commits ---

    def hold_commits(self) -> None:
        """From now on they are done, and nobody is told: they wait for a
        standby that does not exist."""
        psql(self.env, "ALTER SYSTEM SET synchronous_standby_names = 'nobody';"
             "\nSELECT pg_reload_conf();")

    def committing(self, program: str) -> list[dict[str, Any]]:
        """The program's sessions that are held."""
        return self.rows(
            "SELECT pid, query FROM pg_stat_activity"
            " WHERE wait_event = 'SyncRep'"
            f" AND application_name = '{program}'")

    def kill_committing(self, program: str) -> None:
        """SIGKILL to a session; all the others end with it, and the server
        recovers by itself."""
        session = until(lambda: self.committing(program))[0]
        print(f"killed in: {session['query']}")
        os.kill(session["pid"], signal.SIGKILL)
        until(self.release_commits)

    def release_commits(self) -> bool:
        with contextlib.suppress(AssertionError):
            psql(self.env, "ALTER SYSTEM RESET synchronous_standby_names;\n"
                 "SELECT pg_reload_conf();")
            return True
        return False

    # --- disks ---

    def panic(self) -> bool:
        """Write to its log; once there is no room for that, it gives up."""
        try:
            psql(self.env, "SELECT pg_logical_emit_message(true, 'test',"
                 " repeat('x', 1000000));")
        except AssertionError as problem:
            return "PANIC:" in str(problem)
        return False

    @contextlib.contextmanager
    def on_small_disk(self, size: str) -> Iterator[Path]:
        """The data move to a disk of their own, and back."""
        disk = self.folder.parent / "disk"
        data = self.folder / "data"
        disk.mkdir()
        self.stop()
        with small_disk(disk, size):
            move(data, disk / "data")
            data.symlink_to(disk / "data")
            self.start()
            try:
                yield disk
            finally:
                self.stop()
                data.unlink()
                move(disk / "data", data)
                self.start()
        disk.rmdir()


def move(old: Path, new: Path) -> None:
    """From one disk to another, with owners and modes."""
    subprocess.run(["cp", "-a", old, new], check=True)
    subprocess.run(["rm", "-rf", old], check=True)
