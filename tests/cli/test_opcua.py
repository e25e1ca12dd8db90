"""``optria opcua``: a server is looked at, trusted and distrusted; our own certificate is shown, renewed."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from typer.testing import CliRunner, Result

from optria.cli.opcua import app
from optria.connectors.opcua import OpcUaConnector
from optria.core.errors import ConfigurationError, ConnectorUnavailable
from optria.simulator.opcua_server import OpcUaEndpoint, opcua_server
from tests.fakes.certificates import made
from tests.fakes.hosting import hosted
from tests.fakes.plant import FakePlant

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[OpcUaEndpoint]:
    plant = FakePlant(3)
    plant.tick()
    async for serving in hosted(opcua_server(plant, home=tmp_path_factory.mktemp("server"))):
        yield serving


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OPTRIA_HOME", str(tmp_path))
    return tmp_path


async def optria(*words: str, answer: str | None = None) -> Result:
    """In a thread: the commands run a loop of their own, and the server runs in this one."""
    return await asyncio.to_thread(CliRunner().invoke, app, list(words), answer)


def connector(endpoint: OpcUaEndpoint, home: Path) -> OpcUaConnector:
    config = {"endpoint_url": endpoint.url, "security_mode": "SignAndEncrypt"}
    return OpcUaConnector(config, home)


async def test_a_server_is_trusted_by_its_address_and_distrusted(endpoint: OpcUaEndpoint, home: Path) -> None:
    assert not (await connector(endpoint, home).probe()).ok
    asked = await optria("trust", endpoint.url, answer="n\n")
    assert asked.exit_code == 1
    assert not (await connector(endpoint, home).probe()).ok
    given = await optria("trust", endpoint.url, "--yes")
    assert given.exit_code == 0, given.output
    assert "Subject: CN=OPTRIA simulated plant" in given.output
    assert f"SHA-256: {endpoint.certificate_sha256}" in given.output
    found = await connector(endpoint, home).probe()
    assert found.ok, found.message
    taken = await optria("distrust", endpoint.certificate_sha256[:12])
    assert taken.exit_code == 0, taken.output
    assert "not trusted yet" in (await connector(endpoint, home).probe()).message


async def test_what_was_rejected_is_trusted_by_its_digest(endpoint: OpcUaEndpoint, home: Path) -> None:
    said = (await connector(endpoint, home).probe()).message
    digest = endpoint.certificate_sha256
    assert f"`optria opcua trust {digest[:16]}`" in said
    assert f"Rejected: 1\n  {digest}" in (await optria("list")).output
    assert (await optria("trust", digest[:16], "--yes")).exit_code == 0
    listed = (await optria("list")).output
    assert f"Trusted: 1\n  {digest}" in listed
    assert "Rejected: none" in listed
    assert (await connector(endpoint, home).probe()).ok


async def test_a_file_is_an_issuer_on_request(home: Path) -> None:
    authority = made("Plant authority", is_authority=True)
    file = home / "authority.der"
    file.write_bytes(authority.der)
    assert (await optria("trust", str(file), "--issuer", "--yes")).exit_code == 0
    assert "Issuers: 1" in (await optria("list")).output


async def test_what_is_nothing_is_said(home: Path) -> None:
    (home / "notes.txt").write_text("no certificate")
    for words, error in (
        (("trust", "abcdefabcdef", "--yes"), ConfigurationError),
        (("trust", str(home / "notes.txt"), "--yes"), ConfigurationError),
        (("trust", "opc.tcp://127.0.0.1:1", "--yes"), ConnectorUnavailable),
        (("distrust", "abcdefabcdef"), ConfigurationError),
    ):
        assert isinstance((await optria(*words)).exception, error)


async def test_our_own_is_shown_and_renewed_on_request_only(home: Path) -> None:
    first = await optria("certificate")
    again = await optria("certificate")
    assert first.output == again.output
    assert (home / "pki" / "opcua_client.der").exists()
    refused = await optria("certificate", "--renew", answer="n\n")
    assert refused.exit_code == 1
    assert (await optria("certificate")).output == first.output
    renewed = await optria("certificate", "--renew", "--yes")
    assert renewed.output != first.output
    assert (home / "pki" / "opcua_client.pem.old").exists()
