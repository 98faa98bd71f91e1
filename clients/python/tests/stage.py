"""The stage of clients/stage.ts: a real keylease server and a stand-in for the providers."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


def node() -> str | None:
    """The Node of the development dependencies, else the one of the machine."""
    bundled = ROOT / "node_modules" / ".bin" / "node"
    return str(bundled) if bundled.exists() else shutil.which("node")


class Stage:
    """One stage that runs until it is closed."""

    def __init__(self) -> None:
        program = node()
        if program is None:
            raise RuntimeError("the stage needs Node: npm ci")
        self._process = subprocess.Popen(
            [program, "clients/stage.ts"],
            cwd=ROOT,
            env={**os.environ, "NODE_NO_WARNINGS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the stage did not start: see what it wrote to stderr")
        self._learn(json.loads(line))

    def _learn(self, addresses: dict[str, str]) -> None:
        self.grpc = addresses["grpc"]
        self.provider = addresses["provider"]
        self.elsewhere = addresses["elsewhere"]
        self.control = addresses["control"]

    def reset(self, **body: Any) -> None:
        self._learn(self.ask("POST", "/reset", body))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.loads(response.read())

    def check(self, then: Any) -> None:
        assert self.ask("POST", "/check", {"then": then})["departures"] == []

    async def check_async(self, then: Any) -> None:
        """The same without keeping the loop from its work."""
        await asyncio.to_thread(self.check, then)

    def state(self) -> Any:
        return self.ask("GET", "/state")

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def scenarios() -> list[dict[str, Any]]:
    """The scenarios of clients/scenarios.yaml."""
    import yaml

    with (ROOT / "clients" / "scenarios.yaml").open() as file:
        told: list[dict[str, Any]] = yaml.safe_load(file)["scenarios"]
    return told
