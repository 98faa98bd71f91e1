from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from server import Scripted, serve
from stage import Stage, node


@pytest.fixture
def served() -> Iterator[tuple[Scripted, str]]:
    with serve() as running:
        yield running


@pytest.fixture(scope="session")
def shared_stage() -> Iterator[Stage]:
    if node() is None and os.environ.get("CI") != "true":
        pytest.skip("the stage needs Node: npm ci")
    with Stage() as stage:
        yield stage


@pytest.fixture
def stage(shared_stage: Stage, request: pytest.FixtureRequest) -> Stage:
    """The stage as `@pytest.mark.stage(...)` sets it: the arguments are the body of /reset."""
    marker = request.node.get_closest_marker("stage")
    shared_stage.reset(**(marker.kwargs if marker is not None else {}))
    return shared_stage
