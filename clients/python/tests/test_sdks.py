"""The packages of the providers, unchanged, through the adapters: streaming and not, waiting and awaiting."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx2
import openai
import pytest
from stage import Stage

import keylease
from keylease.httpx2 import AsyncLeasedTransport, LeasedTransport

MODEL = "claude-sonnet-5"
WORDS = "word" * 40
OPENAI = [{"id": "default", "provider": "openai", "keys": [{"id": "a", "secret": "secret-of-a"}, {"id": "b", "secret": "secret-of-b"}]}]

ONE_CALL = {
    "server": {"leases_active": 0, "reports": [{"status": 200, "in_progress": False, "usage": {"input_tokens": 40, "output_tokens": 50}}]}
}
ONE_STREAM = {
    "server": {
        "leases_active": 0,
        "reports": [
            {"status": 200, "in_progress": True},
            {"status": 200, "in_progress": False, "usage": {"input_tokens": 40, "output_tokens": 50}},
        ],
    }
}


@pytest.fixture
def client(stage: Stage) -> Iterator[keylease.Client]:
    with keylease.Client(stage.grpc) as client:
        yield client


@pytest.fixture
async def async_client(stage: Stage) -> AsyncIterator[keylease.AsyncClient]:
    async with keylease.AsyncClient(stage.grpc) as client:
        yield client


@pytest.fixture
def claude(stage: Stage, client: keylease.Client) -> Iterator[anthropic.Anthropic]:
    transport = LeasedTransport(client, "default", hosts=[stage.provider], max_wait=10)
    with anthropic.Anthropic(
        api_key="unused", base_url=stage.provider, http_client=httpx2.Client(transport=transport), max_retries=0
    ) as claude:
        yield claude


@pytest.fixture
async def async_claude(stage: Stage, async_client: keylease.AsyncClient) -> AsyncIterator[anthropic.AsyncAnthropic]:
    transport = AsyncLeasedTransport(async_client, "default", hosts=[stage.provider], max_wait=10)
    async with anthropic.AsyncAnthropic(
        api_key="unused", base_url=stage.provider, http_client=httpx2.AsyncClient(transport=transport), max_retries=0
    ) as claude:
        yield claude


@pytest.fixture
def gpt(stage: Stage, client: keylease.Client) -> Iterator[openai.OpenAI]:
    transport = LeasedTransport(client, "default", hosts=[stage.provider], max_wait=10)
    with openai.OpenAI(
        api_key="unused", base_url=f"{stage.provider}/v1", http_client=httpx2.Client(transport=transport), max_retries=0
    ) as gpt:
        yield gpt


@pytest.fixture
async def async_gpt(stage: Stage, async_client: keylease.AsyncClient) -> AsyncIterator[openai.AsyncOpenAI]:
    transport = AsyncLeasedTransport(async_client, "default", hosts=[stage.provider], max_wait=10)
    async with openai.AsyncOpenAI(
        api_key="unused", base_url=f"{stage.provider}/v1", http_client=httpx2.AsyncClient(transport=transport), max_retries=0
    ) as gpt:
        yield gpt


def test_anthropic_answers(stage: Stage, claude: anthropic.Anthropic) -> None:
    message = claude.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert message.usage.output_tokens == 50
    stage.check(ONE_CALL)


def test_anthropic_streams(stage: Stage, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}]) as stream:
        assert stream.get_final_text() != ""
    stage.check(ONE_STREAM)


@pytest.mark.stage(answers={"a": ["held"]})
def test_anthropic_stream_that_is_left(stage: Stage, claude: anthropic.Anthropic) -> None:
    with claude.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}]) as stream:
        assert next(iter(stream)).type == "message_start"
    stage.check({"server": {"leases_active": 0}, "provider": {"requests": [{"key": "a", "end": "aborted"}]}})


async def test_anthropic_answers_async(stage: Stage, async_claude: anthropic.AsyncAnthropic) -> None:
    message = await async_claude.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert message.usage.output_tokens == 50
    await stage.check_async(ONE_CALL)


async def test_anthropic_streams_async(stage: Stage, async_claude: anthropic.AsyncAnthropic) -> None:
    async with async_claude.messages.stream(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}]) as stream:
        assert await stream.get_final_text() != ""
    await stage.check_async(ONE_STREAM)


@pytest.mark.stage(pools=OPENAI)
def test_openai_chat_answers(stage: Stage, gpt: openai.OpenAI) -> None:
    completion = gpt.chat.completions.create(model="gpt-5", max_completion_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert completion.usage is not None and completion.usage.completion_tokens == 50
    stage.check(ONE_CALL)


@pytest.mark.stage(pools=OPENAI)
def test_openai_chat_streams(stage: Stage, gpt: openai.OpenAI) -> None:
    stream = gpt.chat.completions.create(
        model="gpt-5",
        max_completion_tokens=100,
        messages=[{"role": "user", "content": WORDS}],
        stream=True,
        stream_options={"include_usage": True},
    )
    assert len(list(stream)) > 1
    stage.check(ONE_STREAM)


@pytest.mark.stage(pools=OPENAI)
def test_openai_responses_answer(stage: Stage, gpt: openai.OpenAI) -> None:
    response = gpt.responses.create(model="gpt-5", max_output_tokens=100, input=WORDS)
    assert response.usage is not None and response.usage.output_tokens == 50
    stage.check(ONE_CALL)


@pytest.mark.stage(pools=OPENAI)
async def test_openai_chat_answers_async(stage: Stage, async_gpt: openai.AsyncOpenAI) -> None:
    completion = await async_gpt.chat.completions.create(
        model="gpt-5", max_completion_tokens=100, messages=[{"role": "user", "content": WORDS}]
    )
    assert completion.usage is not None and completion.usage.completion_tokens == 50
    await stage.check_async(ONE_CALL)


@pytest.mark.stage(pools=OPENAI)
async def test_openai_responses_stream_async(stage: Stage, async_gpt: openai.AsyncOpenAI) -> None:
    stream = await async_gpt.responses.create(model="gpt-5", max_output_tokens=100, input=WORDS, stream=True)
    assert [event.type async for event in stream][-1] == "response.completed"
    await stage.check_async(ONE_STREAM)


FAILURES = [("rate_limited", 429), ("invalid_credential", 401), ("server_error", 500), ("no_response", 0)]


@pytest.mark.parametrize(
    "status",
    [pytest.param(status, id=name, marks=pytest.mark.stage(answers={"a": [name]})) for name, status in FAILURES],
)
def test_a_failure_of_one_key_is_not_seen(stage: Stage, claude: anthropic.Anthropic, status: int) -> None:
    claude.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert [(each["key"], each["status"]) for each in stage.state()["provider"]["requests"]] == [("a", status), ("b", 200)]


@pytest.mark.stage(answers={"a": ["bad_request"]})
def test_an_error_reaches_the_program_as_the_package_tells_it(stage: Stage, claude: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError) as refused:
        claude.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert isinstance(refused.value.body, dict) and refused.value.body["type"] == "error"
    stage.check({"server": {"leases_active": 0, "reports": [{"key": "a", "status": 400}]}})


def test_a_refusal_is_the_cause_of_the_error_of_the_package(stage: Stage, claude: anthropic.Anthropic) -> None:
    for key in ("a", "b"):
        stage.ask("POST", "/drain", {"key": key})
    with pytest.raises(anthropic.APIConnectionError) as failed:
        claude.messages.create(model=MODEL, max_tokens=100, messages=[{"role": "user", "content": WORDS}])
    assert isinstance(failed.value.__cause__, keylease.Impossible)
    assert failed.value.__cause__.reason == "NO_HEALTHY_KEYS"


CALLS = 200
KEYS = ["a", "b", "c", "d"]
# In one minute's bucket one key has room for a quarter of the calls and a few; what refills meanwhile changes little.
LIMITS = {"requests": 60, "input_tokens": 100_000, "output_tokens": 100_000}


def four_keys(ids: list[str]) -> list[dict[str, object]]:
    keys = [{"id": id, "secret": f"secret-of-{id}", "limits": LIMITS} for id in ids]
    return [{"id": "default", "provider": "anthropic", "keys": keys}]


def statuses(stage: Stage) -> Counter[int]:
    return Counter(request["status"] for request in stage.state()["provider"]["requests"])


@pytest.mark.stage(pools=four_keys(KEYS), limits=LIMITS, latency_ms=20)
def test_200_calls_over_four_keys_meet_no_429_where_one_key_does(stage: Stage, claude: anthropic.Anthropic) -> None:

    def ask(_: int) -> int:
        return claude.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": WORDS}]).usage.output_tokens

    with ThreadPoolExecutor(CALLS) as threads:
        assert list(threads.map(ask, range(CALLS))) == [10] * CALLS
    assert statuses(stage) == {200: CALLS}


@pytest.mark.stage(pools=four_keys(KEYS), limits=LIMITS, latency_ms=20)
async def test_200_calls_over_four_keys_meet_no_429_where_one_key_does_async(stage: Stage, async_claude: anthropic.AsyncAnthropic) -> None:

    async def ask() -> int:
        message = await async_claude.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": WORDS}])
        return message.usage.output_tokens

    assert await asyncio.gather(*(ask() for _ in range(CALLS))) == [10] * CALLS
    assert statuses(stage) == {200: CALLS}
    requests = Counter(request["key"] for request in stage.state()["provider"]["requests"])
    assert set(requests) == set(KEYS)


@pytest.mark.stage(pools=four_keys(["a"]), limits=LIMITS, latency_ms=20)
async def test_the_same_200_calls_with_one_key_and_no_lease_meet_429(stage: Stage) -> None:
    async with anthropic.AsyncAnthropic(api_key="secret-of-a", base_url=stage.provider, max_retries=0) as claude:
        asked = (claude.messages.create(model=MODEL, max_tokens=20, messages=[{"role": "user", "content": WORDS}]) for _ in range(CALLS))
        await asyncio.gather(*asked, return_exceptions=True)
    assert statuses(stage)[429] > CALLS / 2
