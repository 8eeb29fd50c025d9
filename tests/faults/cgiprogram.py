"""ons-webhook as a CGI program: on a host of its own, as it were."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import deliver
from integration import Stack


class Cgi:
    """Answers deliveries without a web server."""

    def __init__(self, stack: Stack, config: Path | None = None,
                 env: dict[str, str] | None = None, 
                 stderr: Any = subprocess.PIPE) -> None:
        self.stack = stack
        self.config = config
        self.env = env or {}
        self.stderr = stderr

    def send(self, item: deliver.Delivery) -> deliver.Answer:
        headers = deliver.sign(item, self.stack.env)
        environment = {"HTTP_" + name.upper().replace("-", "_"): value
                       for name, value in headers.items()}
        child = self.stack.start(
            "ons-webhook", config=self.config, stdin=subprocess.PIPE,
            stderr=self.stderr,
            env={**environment, **self.env, "REQUEST_METHOD": "POST",
                 "SCRIPT_NAME": deliver.WEBHOOK_PATH,
                 "REQUEST_URI": deliver.WEBHOOK_PATH,
                 "DOCUMENT_URI": deliver.WEBHOOK_PATH,
                 "CONTENT_LENGTH": str(len(item.body))})
        out, _ = child.communicate(item.body, timeout=120)
        assert child.returncode == 0
        head, _, text = out.decode().partition("\r\n\r\n")
        status = int(head.partition("Status: ")[2][:3])
        return deliver.Answer(item, status, text.strip())
