"""File systems that are small, and full."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def needs_mount() -> None:
    if os.getuid() != 0:
        pytest.skip("to mount a small disk one must be root")
    if subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none",
                       "/mnt"], check=False).returncode:
        pytest.skip("this container mounts no file system")


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of that size in the folder; root only."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=755",
                    "ons-test", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Nothing more fits on the folder's file system."""
    ballast = folder / "ballast"
    try:
        with open(ballast, "wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    while file.write(b"x" * size) == size:
                        pass
        yield
    finally:
        ballast.unlink()
