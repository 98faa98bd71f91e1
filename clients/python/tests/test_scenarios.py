"""What every client must do, whatever its language: clients/scenarios.yaml."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from programs import PROGRAMS, Asked, Program
from stage import Stage, scenarios

import keylease

PLAYED = [
    pytest.param(scenario, name, id=f"{scenario['name']} ({name})")
    for scenario in scenarios()
    for name, (via, _) in PROGRAMS.items()
    if via in scenario.get("via", [via])
]
CONTROLS = {"stop", "start", "release", "drain"}


@pytest.mark.parametrize(("scenario", "name"), PLAYED)
async def test_scenario(shared_stage: Stage, scenario: dict[str, Any], name: str) -> None:
    stage = shared_stage
    stage.reset(scenario=scenario["name"])
    fallback = scenario.get("client", {}).get("fallback")
    options = {} if fallback is None else {"fallback": {"default": keylease.Credential(fallback, stage.provider)}}
    program = PROGRAMS[name][1](stage, **options)
    try:
        await play(stage, program, scenario["steps"])
        await stage.check_async(scenario["then"])
    finally:
        await program.close()


async def play(stage: Stage, program: Program, steps: list[dict[str, Any]]) -> None:
    for step in steps:
        await play_step(stage, program, step)


async def play_step(stage: Stage, program: Program, step: dict[str, Any]) -> None:
    (verb,) = step.keys() - {"expect", "during"}
    body = step[verb]
    if verb == "call":
        call = asyncio.create_task(program.call(Asked(**body)))
        await play(stage, program, step.get("during", []))
        ended = await call
        assert {name: getattr(ended, name) for name in step.get("expect", {})} == step.get("expect", {})
    elif verb == "check":
        await stage.check_async(body)
    elif verb == "wait_ms":
        await asyncio.sleep(body / 1_000)
    elif verb == "stats":
        assert {name: getattr(program.stats(), name) for name in body} == body
    else:
        assert verb in CONTROLS
        await asyncio.to_thread(stage.ask, "POST", f"/{verb}", body)
