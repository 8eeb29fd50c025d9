#!/usr/bin/python3
"""servers.py FOLDER LOGS PORT PORT PORT: the four servers of Swift.

Each becomes a process of its own, in a session of its own, with the
configuration FOLDER/NAME.conf and the log LOGS/swift-NAME.log; a line for each
says name and pid. What their start takes, to import Swift and to patch it, is
done once for all of them. The ports are those of account, container and object
server.
"""

from __future__ import annotations

import os
import sys

import swift.account.server
import swift.container.server
import swift.obj.server
import swift.proxy.server  # noqa: F401  (imported for all four)
from swift.common.ring import RingBuilder
from swift.common.utils import eventlet_monkey_patch
from swift.common.wsgi import run_wsgi

RINGS = ("account", "container", "object")


def ring(path: str, port: str) -> None:
    """Which server holds what: here one device, one replica."""
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=1)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "weight": 1,
                     "port": int(port), "device": "d1"})
    builder.rebalance()
    builder.get_ring().save(path)


def serve(name: str, conf: str, log: str) -> int:
    os.setsid()
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    more = {"global_conf_callback": swift.obj.server.global_conf_callback} \
        if name == "object" else {}
    return run_wsgi(conf, f"{name}-server", verbose=True, **more)


def main() -> int:
    folder, logs, *ports = sys.argv[1:]
    for name, port in zip(RINGS, ports):
        ring(f"{folder}/{name}.ring.gz", port)
    eventlet_monkey_patch()
    for name in (*RINGS, "proxy"):
        pid = os.fork()
        if pid == 0:
            return serve(name, f"{folder}/{name}.conf",
                         f"{logs}/swift-{name}.log")
        print(name, pid, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
