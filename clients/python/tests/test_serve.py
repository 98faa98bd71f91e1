"""Against `keylease serve`, as an operator starts it: a unix socket, and a server that is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from server import until
from stage import ROOT, node

import keylease

pytestmark = pytest.mark.skipif(node() is None and os.environ.get("CI") != "true", reason="the server needs Node: npm ci")


@contextmanager
def serving(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A server that listens on a socket in the folder and keeps what it knows there."""
    config = {
        "listen": f"unix:{folder}/keylease.sock",
        "ops": False,
        "store": {"kind": "file", "path": str(folder / "data")},
        "pools": [{"id": "default", "provider": "anthropic", "keys": [{"id": "a", "secret": "secret-of-a", "max_leases": 1}]}],
    }
    (folder / "keylease.yaml").write_text(json.dumps(config))
    program = node()
    assert program is not None
    command = [program, "src/main.ts", "serve", "--config", str(folder / "keylease.yaml")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert "keylease serves" in process.stdout.readline()
            yield process
        finally:
            process.kill()


def test_a_report_outlives_a_server_that_is_killed(tmp_path: Path) -> None:
    with keylease.Client(f"unix:{tmp_path}/keylease.sock", timeout=10) as client:
        with serving(tmp_path) as process:
            key = client.key("default", model="claude-sonnet-5")
            with key:
                assert key.headers == {"x-api-key": "secret-of-a", "anthropic-version": "2023-06-01"}
                process.send_signal(signal.SIGKILL)
                process.wait()
                key.report(status=200, usage=keylease.Usage(10, 20))
            assert client.stats().queued == 1
        with serving(tmp_path):
            until(lambda: client.stats().delivered == 1)
            # The one lease that the key may have is free again.
            with client.key("default") as again:
                assert again.key_id == "a"
            until(lambda: client.stats().queued == 0)
