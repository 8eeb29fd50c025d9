"""What the fault experiments share.

They run on the private stack of the integration tests, with programs that were
configured with --enable-failpoints (ONS_TEST_BIN). ONS_FAULTS=full makes the
experiments long; ONS_FAULTS_SEED repeats one.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent

# Both folders have a conftest.py: that of the integration tests goes by the
# name `integration` here.
_spec = importlib.util.spec_from_file_location(
    "integration", HERE.parent / "integration" / "conftest.py")
assert _spec and _spec.loader
integration = importlib.util.module_from_spec(_spec)
sys.modules["integration"] = integration
_spec.loader.exec_module(integration)
sys.path.insert(0, str(HERE))

from failpoints import Failpoints  # noqa: E402  (found by the line above)
from ledger import Ledger  # noqa: E402
from life import Reference  # noqa: E402
from report import REPORT  # noqa: E402

stack = integration.stack


def pytest_configure(config: pytest.Config) -> None:
    integration.pytest_configure(config)
    os.environ["ONS_FAILPOINTS"] = tempfile.mkdtemp(prefix="ons-failpoints.")


def pytest_unconfigure(config: pytest.Config) -> None:
    shutil.rmtree(os.environ.pop("ONS_FAILPOINTS"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    terminalreporter.write_line("\n".join(
        ["", REPORT.table(), *REPORT.problems(), ""]))


@pytest.fixture(scope="session")
def full() -> bool:
    """The long form of every experiment?"""
    return os.environ.get("ONS_FAULTS", "short") == "full"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    seed = int(os.environ.get("ONS_FAULTS_SEED") or
               random.SystemRandom().randrange(10**6))
    print(f"{request.node.name}: ONS_FAULTS_SEED={seed}")
    return random.Random(seed)


@pytest.fixture(scope="session")
def all_failpoints(stack: Any) -> Failpoints:
    """The programs must have them."""
    for program in ("ons-webhook", "ons-process"):
        version = subprocess.check_output(
            [Path(stack.env["ONS_BIN"]) / program, "--version"], text=True)
        assert "fail points" in version, \
            "configure --enable-failpoints, and set ONS_TEST_BIN to that build"
    return Failpoints(Path(os.environ["ONS_FAILPOINTS"]))


@pytest.fixture
def failpoints(all_failpoints: Failpoints) -> Iterator[Failpoints]:
    """None is armed before and after."""
    all_failpoints.clear()
    yield all_failpoints
    all_failpoints.clear()


@pytest.fixture(scope="session")
def reference(stack: Any) -> Reference:
    """How the pages look when nothing fails."""
    return Reference(stack)


@pytest.fixture
def ledger(stack: Any) -> Ledger:
    return Ledger(stack)
