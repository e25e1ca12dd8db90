"""A plant as an OPC UA server: analog items with range and unit, status codes, source times, history."""

import asyncio
import logging
import secrets
import socket
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from asyncua import Node, Server, ua
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.crypto.validator import CertificateValidatorMethod
from asyncua.server.history import HistoryStorageInterface

from optria.core.catalogue import TagEntry
from optria.core.tag import EPOCH, from_micros
from optria.kit import clock
from optria.kit.certificates import OwnCertificate, own_certificate
from optria.simulator.source import PlantFrame, PlantSource

NAMESPACE = "urn:optria:simulated-plant"
APPLICATION_URI = "urn:optria:simulated-plant:server"
NODES_PER_FOLDER = 100
"""asyncua's ``add_variable`` walks its siblings: larger folders start slowly."""
FRAMES_HELD = 600

STATUS = tuple(
    ua.StatusCode(ua.UInt32(code))
    for code in (
        ua.StatusCodes.Good,
        ua.StatusCodes.UncertainSensorNotAccurate,
        ua.StatusCodes.BadSensorFailure,
    )
)
"""By quality."""

# What it would say is said to the clients
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class OpcUaEndpoint:
    """Where the server listens and the certificate to pin; ``set_service_level`` tells its health (0-255)."""

    url: str
    certificate: Path
    certificate_sha256: str
    set_service_level: Callable[[int], Awaitable[None]]


class _Users:
    """One account, or everybody when no user is set."""

    def __init__(self, user: str | None, password: str) -> None:
        self._user, self._password = user, password

    def get_user(
        self,
        _server: object,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        if self._user is None:
            return User(role=UserRole.User)
        right = username == self._user and secrets.compare_digest(password or "", self._password)
        return User(role=UserRole.User, name=username) if right else None


class _PlantHistory(HistoryStorageInterface):
    """HistoryRead of raw values straight from the plant; nothing is stored twice."""

    def __init__(self, plant: PlantSource, names: Mapping[ua.NodeId, str]) -> None:
        super().__init__(max_history_data_response_size=10_000)
        self._plant, self._names = plant, names

    async def init(self) -> None: ...

    async def stop(self) -> None: ...

    async def read_node_history(
        self, node_id: ua.NodeId, start: datetime | None, end: datetime | None, nb_values: int
    ) -> tuple[list[ua.DataValue], datetime | None]:
        name = self._names.get(node_id)
        if name is None:
            raise ua.uaerrors.BadHistoryOperationUnsupported
        first, last = start or EPOCH, end or clock.now()
        last = clock.now() if last <= EPOCH else last
        backwards = first > last
        first, last = min(first, last), max(first, last)
        size = min(nb_values or self.max_history_data_response_size, self.max_history_data_response_size)
        times, values, qualities = self._plant.history(name, first, last, size + 1)
        found = [data_value(*row) for row in zip(times, values, qualities, strict=True)]
        rest = found[size].SourceTimestamp if len(found) > size else None
        return (found[:size][::-1], None) if backwards else (found[:size], rest)


def data_value(micros: int, value: float, quality: int) -> ua.DataValue:
    """One sample as it goes over the wire."""
    time = from_micros(micros)
    variant = ua.Variant(float(value), ua.VariantType.Double)
    return ua.DataValue(variant, STATUS[int(quality)], time, time)  # type: ignore[arg-type]  # a datetime


class _Writer:
    """Writes each frame into the address space; when that lags, the oldest frames are dropped."""

    def __init__(self, server: Server, nodes: Mapping[str, ua.NodeId]) -> None:
        self._server, self._nodes = server, nodes
        self._frames: deque[PlantFrame] = deque(maxlen=FRAMES_HELD)
        self._arrived = asyncio.Event()

    def take(self, frame: PlantFrame) -> None:
        self._frames.append(frame)
        self._arrived.set()

    async def run(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._frames:
                await self.write(self._frames.popleft())

    async def write(self, frame: PlantFrame) -> None:
        rows = zip(frame.tags, frame.source_time, frame.value, frame.quality, strict=True)
        for name, micros, value, quality in rows:
            node = self._nodes.get(name)
            if node is not None:
                await self._server.write_attribute_value(node, data_value(int(micros), value, quality))


@asynccontextmanager
async def opcua_server(
    plant: PlantSource,
    port: int = 0,
    host: str = "127.0.0.1",
    *,
    home: Path,
    user: str | None = None,
    password: str = "",
    secure_only: bool = False,
    names: frozenset[str] | None = None,
    max_queue: int | None = None,
    certificate: OwnCertificate | None = None,
    admits: CertificateValidatorMethod | None = None,
) -> AsyncIterator[OpcUaEndpoint]:
    """Serve ``plant`` while the block runs.

    Offers no security (unless ``secure_only``) and Basic256Sha256 with Sign and with SignAndEncrypt; with
    ``user`` no anonymous sessions. ``names`` limits the tags served. ``home`` keeps the certificate, unless
    another ``certificate`` is given. ``max_queue`` is the longest queue of samples that it grants,
    ``admits`` looks at the certificates of clients.
    """
    own = certificate if certificate is not None else await asyncio.to_thread(_own, home, host)
    server = await _prepare(host, port, own, _Users(user, password), secure_only=secure_only)
    if admits is not None:
        server.set_certificate_validator(admits)
    if max_queue is not None:
        server.iserver.max_monitored_item_queue_size = max_queue
    tags = [tag for tag in plant.catalogue.tags if names is None or tag.name in names]
    nodes = await _build(server, plant, tags)
    history = _PlantHistory(plant, {node: name for name, node in nodes.items()})
    server.iserver.history_manager.set_storage(history)
    writer = _Writer(server, nodes)
    await writer.write(plant.latest(list(nodes)))
    stop = plant.subscribe(writer.take)
    await server.start()
    try:
        async with asyncio.TaskGroup() as group:
            writing = group.create_task(writer.run())
            url = f"opc.tcp://{host}:{_bound_port(server, port)}"
            yield OpcUaEndpoint(url, own.path, own.sha256, partial(_set_service_level, server))
            writing.cancel()
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    finally:
        stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.stop(), 2)


def _own(home: Path, host: str) -> OwnCertificate:
    hosts = tuple(dict.fromkeys((socket.gethostname(), "localhost", host)))
    path = home / "pki" / "simulated_plant.pem"
    return own_certificate(path, "OPTRIA simulated plant", APPLICATION_URI, hosts)


async def _set_service_level(server: Server, level: int) -> None:
    node = server.get_node(ua.NodeId(ua.Int32(ua.ObjectIds.Server_ServiceLevel)))
    await node.write_value(ua.Variant(level, ua.VariantType.Byte))


def _bound_port(server: Server, port: int) -> int:
    return server.bserver.port if server.bserver is not None else port


async def _prepare(
    host: str, port: int, certificate: OwnCertificate, users: _Users, *, secure_only: bool
) -> Server:
    server = Server(user_manager=users)  # type: ignore[arg-type]  # only get_user is asked of it
    await server.init()
    server.name, server.product_uri = "OPTRIA simulated plant", NAMESPACE
    await server.set_build_info(NAMESPACE, "OPTRIA", server.name, "1", "1", clock.now())
    await server.set_application_uri(APPLICATION_URI)
    server.set_endpoint(f"opc.tcp://{host}:{port}")
    policy = ua.SecurityPolicyType
    secure = [policy.Basic256Sha256_SignAndEncrypt, policy.Basic256Sha256_Sign]
    server.set_security_policy(secure if secure_only else [policy.NoSecurity, *secure])
    anonymous = [ua.AnonymousIdentityToken] if users.get_user(server) is not None else []
    server.set_identity_tokens([ua.UserNameIdentityToken, *anonymous])
    await server.load_certificate(certificate.der, "der")
    await server.load_private_key(certificate.key_der, format="der")
    return server


async def _build(server: Server, plant: PlantSource, tags: list[TagEntry]) -> dict[str, ua.NodeId]:
    """Site folders, asset folders in them, variables in those."""
    index = await server.register_namespace(NAMESPACE)
    objects = server.get_objects_node()
    sites: dict[str, Node] = {}
    folders: dict[tuple[str, int], Node] = {}
    counts: dict[str, int] = {}
    nodes: dict[str, ua.NodeId] = {}
    for tag in tags:
        asset = plant.catalogue.asset(tag.asset)
        site = asset.site if asset is not None else "Plant"
        if site not in sites:
            sites[site] = await objects.add_folder(_id(index, site), _name(index, site))
        page, counts[tag.asset] = counts.get(tag.asset, 0) // NODES_PER_FOLDER, counts.get(tag.asset, 0) + 1
        if (tag.asset, page) not in folders:
            label = tag.asset if page == 0 else f"{tag.asset} {page + 1}"
            folders[tag.asset, page] = await sites[site].add_folder(_id(index, label), _name(index, label))
        nodes[tag.name] = (await _add_variable(folders[tag.asset, page], index, tag)).nodeid
    return nodes


async def _add_variable(folder: Node, index: int, tag: TagEntry) -> Node:
    empty = ua.Variant(float("nan"), ua.VariantType.Double)
    node = await folder.add_variable(_id(index, tag.name), _name(index, tag.name), empty)
    readable = ua.Byte((1 << ua.AccessLevel.CurrentRead) | (1 << ua.AccessLevel.HistoryRead))
    for attribute, value in (
        (ua.AttributeIds.Description, ua.LocalizedText(tag.description)),
        (ua.AttributeIds.Historizing, True),
        (ua.AttributeIds.AccessLevel, readable),
        (ua.AttributeIds.UserAccessLevel, readable),
    ):
        await node.write_attribute(attribute, ua.DataValue(_variant(value)))
    waiting = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadWaitingForInitialData))
    await node.write_attribute(ua.AttributeIds.Value, ua.DataValue(empty, waiting))
    await node.add_property(_id(index, f"{tag.name}.EURange"), "EURange", ua.Range(tag.low, tag.high))
    unit = ua.EUInformation(NAMESPACE, -1, ua.LocalizedText(tag.unit), ua.LocalizedText(tag.unit))
    await node.add_property(_id(index, f"{tag.name}.EngineeringUnits"), "EngineeringUnits", unit)
    return node


def _variant(value: ua.LocalizedText | ua.Byte | bool) -> ua.Variant:
    if isinstance(value, ua.LocalizedText):
        return ua.Variant(value, ua.VariantType.LocalizedText)
    kind = ua.VariantType.Boolean if isinstance(value, bool) else ua.VariantType.Byte
    return ua.Variant(value, kind)


def _id(index: int, name: str) -> ua.NodeId:
    return ua.NodeId(ua.String(name), ua.Int16(index))


def _name(index: int, name: str) -> ua.QualifiedName:
    return ua.QualifiedName(name, ua.UInt16(index))
