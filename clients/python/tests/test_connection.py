"""How a client reaches its server: tokens, sockets, TLS, and the end of it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import grpc
import pytest
import trustme
from server import Scripted, serve, settled, until

import keylease


@pytest.mark.parametrize("token", ["open", lambda: "open"], ids=["a text", "a function"])
def test_a_token_goes_with_every_call(served: tuple[Scripted, str], token: Any) -> None:
    server, address = served
    with keylease.Client(address, token=token) as client:
        with client.key("pool") as key:
            key.report(status=500)
        with client.key("pool"):
            pass
        until(lambda: len(settled(server)) == 2)
    assert {each.get("authorization") for each in server.metadata} == {"Bearer open"}


async def test_async_token(served: tuple[Scripted, str]) -> None:
    server, address = served
    async with keylease.AsyncClient(address, token="open") as client, client.key("pool") as key:
        await key.report(status=500)
    assert {each.get("authorization") for each in server.metadata} == {"Bearer open"}


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("127.0.0.1:50051", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("dns:///localhost:50051", True),
        ("unix:/run/keylease.sock", True),
        ("10.0.0.7:50051", False),
        ("keylease.internal:50051", False),
    ],
)
def test_a_token_does_not_travel_in_the_clear(address: str, safe: bool) -> None:
    def make() -> None:
        keylease.Client(address, token="open").close()

    if safe:
        make()
    else:
        with pytest.raises(ValueError, match="in the clear"):
            make()
    keylease.Client(address, token="open", tls=keylease.TLS()).close()


def test_unix_socket() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = f"unix:{Path(folder) / 'keylease.sock'}"
        with serve(path) as (_, address), keylease.Client(address, token="open") as client, client.key("pool") as key:
            assert key.key_id == "k1"


async def test_tls_on_both_sides() -> None:
    authority = trustme.CA()
    server_side, client_side = authority.issue_cert("localhost"), authority.issue_cert("caller")
    ca = authority.cert_pem.bytes()
    pair = (server_side.private_key_pem.bytes(), server_side.cert_chain_pems[0].bytes())
    credentials = grpc.ssl_server_credentials([pair], ca, require_client_auth=True)
    tls = keylease.TLS(
        ca=ca, certificate=client_side.cert_chain_pems[0].bytes(), key=client_side.private_key_pem.bytes(), server_name="localhost"
    )
    with serve(credentials=credentials) as (_, address):
        with keylease.Client(address, tls=tls) as client, client.key("pool") as key:
            assert key.key_id == "k1"
        async with keylease.AsyncClient(address, tls=tls) as async_client, async_client.key("pool") as async_key:
            assert async_key.key_id == "k2"
        stranger = keylease.Client(address, tls=keylease.TLS(ca=ca), timeout=0.5)
        with stranger, pytest.raises(keylease.Unavailable), stranger.key("pool"):
            pass


async def test_closing_twice_changes_nothing(served: tuple[Scripted, str]) -> None:
    _, address = served
    client, async_client = keylease.Client(address), keylease.AsyncClient(address)
    async with async_client.key("pool"):
        pass
    for _ in range(2):
        client.close()
        await async_client.aclose()
    with pytest.raises(RuntimeError):
        await async_client.key("pool").__aenter__()
