"""The examples of README.md run as they stand, but for where the server and the provider are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from stage import Stage

README = (Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
OPENAI = {"id": "openai", "provider": "openai", "keys": [{"id": "a", "secret": "secret-of-a"}]}
DEFAULT = {"id": "default", "provider": "anthropic", "keys": [{"id": "b", "secret": "secret-of-b"}]}
EXPECTED = [("/v1/messages", "150\n"), ("/v1/responses", "response.completed\n"), ("/v1/messages", "")]


@pytest.mark.stage(pools=[OPENAI, DEFAULT])
@pytest.mark.parametrize(("example", "expected"), list(zip(EXAMPLES, EXPECTED, strict=True)), ids=["anthropic", "openai", "httpx"])
def test_example(stage: Stage, example: str, expected: tuple[str, str]) -> None:
    path, output = expected
    program = example.replace("127.0.0.1:50051", stage.grpc).replace("{key.base_url}", stage.provider)
    for pool in ("default", "openai"):
        program = program.replace(f'Transport(client, "{pool}")', f'Transport(client, "{pool}", hosts=["{stage.provider}"])')
    program = program.replace('api_key="leased",', f'api_key="leased", base_url="{stage.provider}{"/v1" if "openai" in example else ""}",')
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.endswith(output)
    stage.check({"server": {"leases_active": 0}, "provider": {"requests": [{"path": path, "status": 200, "end": "completed"}]}})
    final = stage.state()["server"]["reports"][-1]
    assert final["usage"]["output_tokens"] > 0
