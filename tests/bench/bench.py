#!/usr/bin/python3
"""Measure everything beside what it is to be compared with: a table.

usage: bench.py [--only PART[,PART]] [--quick] [--bin DIR]

`make bench` runs it.  No figure fails it: what misses its aim is marked.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import signal
import sys
import time
from pathlib import Path

import common

PARTS = ("intake", "dispatch", "pages", "latency", "size", "growth")


def table(rows: list[common.Row]) -> str:
    lines = [("", "", "ratio", "aim", "")]
    lines += [(row.what, row.value, row.ratio, row.aim,
               "" if row.met is None else "yes" if row.met else "NO")
              for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width
                               in zip(line, widths)).rstrip()
                     for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--quick", action="store_true",
                        help="smaller and shorter: to try the measurements")
    parser.add_argument("--bin", type=Path, default=common.TOP)
    options = parser.parse_args()
    parts = options.only.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part: {', '.join(unknown)}")
    # as at Ctrl-C: what was started is stopped
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    bench = common.Bench(options.bin.resolve(), options.quick)
    try:
        for name in parts:
            print(f"{name} ...", file=sys.stderr, flush=True)
            importlib.import_module(name).measure(bench)
    finally:
        bench.close()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores,"
          f" Linux {platform.release()}")
    print(table(bench.rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
