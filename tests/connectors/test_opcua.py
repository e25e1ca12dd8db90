"""OPC UA's own: security and pinning, names of nodes, silence, values that are no numbers."""

import asyncio
import stat
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from asyncua import ua

from optria.connectors.base import LinkState
from optria.connectors.opcua import OpcUaConnector
from optria.connectors.opcua_errors import sentence
from optria.connectors.opcua_values import columns
from optria.core.errors import ConfigurationError, ConnectorUnavailable
from optria.core.tag import Quality, SampleBatch, to_micros
from optria.kit import clock
from optria.simulator.opcua_server import OpcUaEndpoint, opcua_server
from optria.simulator.source import Series
from tests.fakes.hosting import hosted
from tests.fakes.plant import FakePlant

pytestmark = pytest.mark.asyncio(loop_scope="module")
USER, PASSWORD = "plant", "of the tests"


@pytest.fixture(scope="module")
def plant() -> FakePlant:
    plant = FakePlant(12)
    plant.tick()
    return plant


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def endpoint(plant: FakePlant, home: Path) -> AsyncIterator[OpcUaEndpoint]:
    """A server that asks for a user and offers security only."""
    server = opcua_server(plant, home=home, user=USER, password=PASSWORD, secure_only=True)
    async for made in hosted(server):
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def open_endpoint(plant: FakePlant, home: Path) -> AsyncIterator[OpcUaEndpoint]:
    """A server for everybody."""
    async for made in hosted(opcua_server(plant, home=home)):
        yield made


def secured(endpoint: OpcUaEndpoint, home: Path, **changes: object) -> OpcUaConnector:
    config: dict[str, object] = {
        "endpoint_url": endpoint.url,
        "username": USER,
        "password": PASSWORD,
        "security_mode": "SignAndEncrypt",
        "security_policy": "Basic256Sha256",
        "server_certificate_sha256": endpoint.certificate_sha256,
        "sampling_interval_ms": 100,
    }
    return OpcUaConnector({**config, **changes}, home)


async def first_batch(connector: OpcUaConnector, plant: FakePlant) -> SampleBatch:
    arrived: asyncio.Queue[SampleBatch] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(connector.run(plant.mappings(), arrived.put_nowait))
        async with asyncio.timeout(30):
            batch = await arrived.get()
        task.cancel()
    return batch


@pytest.mark.clause("C1")
@pytest.mark.parametrize("mode", ["Sign", "SignAndEncrypt"])
async def test_values_come_signed_and_encrypted_with_a_user(
    endpoint: OpcUaEndpoint, home: Path, plant: FakePlant, mode: str
) -> None:
    batch = await first_batch(secured(endpoint, home, security_mode=mode), plant)
    assert batch.value.tolist() == [float(n) for n in range(12)]


async def test_a_pin_may_be_written_with_colons(endpoint: OpcUaEndpoint, home: Path) -> None:
    pin = endpoint.certificate_sha256.upper()
    written = ":".join(pin[n : n + 2] for n in range(0, 64, 2))
    found = await secured(endpoint, home, server_certificate_sha256=written).probe()
    assert found.ok, found.message


async def test_a_wrong_pin_is_refused(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, server_certificate_sha256="ab" * 32).probe()
    assert not found.ok
    assert "another certificate than the one pinned" in found.message
    assert endpoint.certificate_sha256 in found.message


async def test_no_pin_is_never_silent_trust(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, server_certificate_sha256="").probe()
    assert not found.ok
    assert f"not trusted yet: SHA-256 {endpoint.certificate_sha256}" in found.message


async def test_any_server_can_be_trusted_on_purpose(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, server_certificate_sha256="", trust_any_server=True).probe()
    assert found.ok, found.message
    assert found.details["server_certificate_sha256"] == endpoint.certificate_sha256


async def test_a_wrong_password_is_refused_under_encryption(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, password="wrong").probe()
    assert "refused the user name or password" in found.message


async def test_a_policy_not_offered_lists_what_is(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, security_policy="Aes256Sha256RsaPss").probe()
    assert "It offers: Sign Basic256Sha256, SignAndEncrypt Basic256Sha256." in found.message


async def test_no_downgrade_where_the_server_wants_security(endpoint: OpcUaEndpoint, home: Path) -> None:
    found = await secured(endpoint, home, security_mode="None", server_certificate_sha256="").probe()
    assert not found.ok
    assert "does not offer a connection without security" in found.message


async def test_a_pin_without_security_is_a_configuration_error(endpoint: OpcUaEndpoint, home: Path) -> None:
    with pytest.raises(ConfigurationError, match="needs the security mode Sign or SignAndEncrypt"):
        secured(endpoint, home, security_mode="None")


async def test_our_key_is_ours_alone(endpoint: OpcUaEndpoint, home: Path) -> None:
    await secured(endpoint, home).probe()
    assert stat.S_IMODE((home / "pki" / "opcua_client.pem").stat().st_mode) == 0o600


class NoHistory(FakePlant):
    """A server that keeps no history and says so by refusing the request."""

    def history(self, name: str, start: datetime, end: datetime, limit: int) -> Series:
        raise ua.uaerrors.BadHistoryOperationUnsupported


async def test_without_any_history_it_goes_on_live_and_says_so(home: Path) -> None:
    plant, got = NoHistory(3), list[SampleBatch]()
    plant.tick()
    async with opcua_server(plant, home=home) as endpoint:
        connector = OpcUaConnector({"endpoint_url": endpoint.url}, home)
        run = connector.run(plant.mappings(), got.append, clock.now() - timedelta(seconds=10))
        async with asyncio.TaskGroup() as group, asyncio.timeout(30):
            task = group.create_task(run)
            while len(SampleBatch.concat(got)) < 3:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            task.cancel()
    assert connector.link.state is LinkState.CONNECTED
    assert connector.link.warning == (
        "The server gives no history of 3 of 3 signals; they are read from now on."
    )


@pytest.mark.parametrize("written", ["ns=2;s=P-0.TT-0004", "P-0.TT-0004", "P-0.P-0.TT-0004"])
@pytest.mark.clause("C3")
async def test_a_tag_is_a_node_id_or_a_name(
    open_endpoint: OpcUaEndpoint, home: Path, plant: FakePlant, written: str
) -> None:
    connector = OpcUaConnector({"endpoint_url": open_endpoint.url}, home)
    mapping = replace(plant.mappings()[4], external_tag=written)
    batch = await connector.read_latest([mapping])
    assert (batch.tag.tolist(), batch.value.tolist()) == ([5], [4.0])


@pytest.mark.parametrize(("namespace", "found"), [("ns=2", 1), ("2", 1), ("ns=7", 0)])
async def test_a_namespace_limits_the_search(
    open_endpoint: OpcUaEndpoint, home: Path, plant: FakePlant, namespace: str, found: int
) -> None:
    config = {"endpoint_url": open_endpoint.url, "namespace_filter": namespace}
    assert len(await OpcUaConnector(config, home).read_latest(plant.mappings()[:1])) == found


async def test_browsing_shows_range_and_unit(open_endpoint: OpcUaEndpoint, home: Path) -> None:
    entries = await OpcUaConnector({"endpoint_url": open_endpoint.url}, home).browse("ns=2;s=P-0")
    first = next(entry for entry in entries if entry.name == "P-0.TT-0000")
    assert (first.unit, first.low, first.high, first.is_variable) == ("°C", 0.0, 150.0, True)


async def test_a_black_hole_is_noticed(open_endpoint: OpcUaEndpoint, home: Path, plant: FakePlant) -> None:
    port = int(open_endpoint.url.rpartition(":")[2])
    async with swallowing_proxy(port) as (proxy_port, swallow):
        config = {"endpoint_url": f"opc.tcp://127.0.0.1:{proxy_port}", "sampling_interval_ms": 100}
        connector = OpcUaConnector(config, home)

        def arrived(_batch: SampleBatch) -> None:
            swallow.set()

        async with asyncio.timeout(30):
            with pytest.raises(ConnectorUnavailable, match="silent for 3 s"):
                await connector.run(plant.mappings(), arrived)
    assert connector.link.state is LinkState.LOST
    left = [str(task.get_coro()) for task in asyncio.all_tasks()]
    assert not [name for name in left if "UaSession" in name or "Client." in name]


@asynccontextmanager
async def swallowing_proxy(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """Passes bytes on until the event is set; then keeps the connections open and says nothing."""
    swallow = asyncio.Event()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not swallow.is_set():
                writer.write(data)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.wait(
                [
                    asyncio.ensure_future(pump(reader, server_writer)),
                    asyncio.ensure_future(pump(server_reader, writer)),
                ],
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            server_writer.close()
            writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], swallow


def value(number: object, code: int = 0) -> ua.DataValue:
    time = datetime(2026, 11, 22, 13, 0, 0, 123456, UTC)
    return ua.DataValue(ua.Variant(number), ua.StatusCode(ua.UInt32(code)), time)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("code", "quality"),
    [
        (0x00000000, Quality.GOOD),
        (0x00000480, Quality.GOOD),  # Good with the overflow bit
        (0x40930000, Quality.UNCERTAIN),
        (0x80AB0000, Quality.BAD),
        (0xC0000000, Quality.BAD),
    ],
)
async def test_the_severity_of_the_status_is_the_quality(code: int, quality: Quality) -> None:
    batch = columns([(1, value(5.0, code))], Counter())
    assert batch.quality.tolist() == [quality]
    assert batch.source_time.tolist() == [to_micros(datetime(2026, 11, 22, 13, 0, 0, 123456, UTC))]


async def test_what_is_no_number_is_counted_and_others_pass() -> None:
    rejected: Counter[str] = Counter()
    given = [value("text"), value([1.0, 2.0]), value(True), value(7), value(None)]
    batch = columns(list(enumerate(given)), rejected)
    assert batch.tag.tolist() == [2, 3, 4]
    assert batch.value.tolist()[:2] == [1.0, 7.0]
    assert batch.quality.tolist() == [0, 0, Quality.BAD]
    assert rejected == {"not a number": 2}


def make(name: str) -> Exception:
    error: Exception = getattr(ua.uaerrors, name)()
    return error


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (make("BadCertificateUntrusted"), "do not accept each other's certificate"),
        (make("BadTooManySessions"), "answered BadTooManySessions"),
        (TimeoutError(), "does not answer"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
    ],
)
async def test_errors_are_sentences(error: Exception, says: str) -> None:
    assert says in sentence(error, "plant:4840")
