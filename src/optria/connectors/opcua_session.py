"""An OPC UA session with its security: opened, taken up again on another channel, closed.

asyncua's own ``Client.connect`` is not used: it starts tasks that try again and probe by themselves, which is
the supervisor's and the subscription's to do.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from asyncua import Client, ua
from asyncua.client.ua_session import UaSession
from asyncua.crypto import security_policies

from optria.connectors.allowed_hosts import Reach
from optria.connectors.link import Link
from optria.connectors.opcua_config import OpcUaConfig, host_and_port
from optria.connectors.opcua_errors import spoken
from optria.connectors.opcua_security import believe, own_certificate_of
from optria.connectors.opcua_trust import chain_of
from optria.core.errors import ConnectorUnavailable

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 3.0
"""The outer deadline of each request while nothing else tells that the server is there."""
GOODBYE_S = 0.5
SPARE_S = 30.0
"""The session outlives the subscription by this much."""
RENEW_AT = 0.75
"""Of a channel's lifetime, as OPC 10000-4, 5.5.2 asks."""

# asyncua writes a traceback for each thing reported here in a sentence; its INFO lines format whole results
logging.getLogger("asyncua").setLevel(logging.CRITICAL)

_POLICIES: dict[str, type[Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


class _Session(UaSession):
    """Without asyncua's publish loop, which swallows every error and forgets what it received."""

    def ensure_publish_loop(self) -> None: ...


@asynccontextmanager
async def session(
    config: OpcUaConfig, home: Path, reach: Reach, link: Link | None = None
) -> AsyncIterator[Client]:
    """A connected client of the first address; closed within half a second however the block ends.

    Raises:
        ConnectorUnavailable: cannot connect, or the connection broke inside the block.
    """
    client = await connect(config, config.endpoint_url, home, reach, link)
    try:
        with spoken(where_of(config.endpoint_url)):
            yield client
    finally:
        await close(client)


async def connect(
    config: OpcUaConfig, url: str, home: Path, reach: Reach, link: Link | None = None
) -> Client:
    """A client with an activated session at ``url``. Raises ConnectorUnavailable."""
    host, port = host_and_port(url)
    client: Client | None = None
    try:
        with spoken(f"{host}:{port}"):
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await reach.check(host, port)
                client = _client(config, url)
                await _secure(client, config, home, link or Link())
                await _open_channel(client)
                await client.create_session()
                await _activate(client, config)
        return client
    except BaseException:
        if client is not None:
            client.disconnect_socket()
        raise


async def certificates_at(url: str, reach: Reach) -> list[bytes]:
    """The certificates (DER, the server's first) that a server shows to anybody who asks.

    Raises ConnectorUnavailable, also for a server that has none.
    """
    host, port = host_and_port(url)
    with spoken(f"{host}:{port}"):
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await reach.check(host, port)
            endpoints = await Client(url, timeout=ANSWER_TIMEOUT_S).connect_and_get_server_endpoints()
    chains = [chain_of(each.ServerCertificate) for each in endpoints if each.ServerCertificate]
    if not chains:
        raise ConnectorUnavailable(f"The OPC UA server at {host}:{port} shows no certificate.")
    return chains[0]


async def take_up(client: Client, config: OpcUaConfig, url: str, reach: Reach) -> None:
    """Go on with the session that the server keeps, on another channel (OPC 10000-4, 6.7).

    Raises what asyncua raises; a UaError means that the session is gone.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await reach.check(*host_and_port(url))
        try:
            await client.connect_socket()
            await client.send_hello()
            await _open_again(client)
            client.uaclient.session.rebind_authentication_token()
            await _activate(client, config)
        except BaseException:
            client.disconnect_socket()
            raise


async def _open_again(client: Client) -> None:
    """It said hello just now: one that is silent or hangs up here has another key than before."""
    try:
        await client.open_secure_channel()
    except (ConnectionError, TimeoutError) as error:
        raise ua.UaError("The server did not open a secure channel.") from error


async def keep_channel(client: Client) -> None:
    """Renew the secure channel again and again before it expires."""
    while True:
        await asyncio.sleep(client.secure_channel_timeout / 1000 * RENEW_AT)
        await client.open_secure_channel(renew=True)
        client.uaclient.revolve_security_token()


async def close(client: Client) -> None:
    """Say goodbye if the server still listens; drop the socket in any case."""
    with suppress(ua.UaError, OSError, TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await client.disconnect()
    client.disconnect_socket()


def where_of(url: str) -> str:
    host, port = host_and_port(url)
    return f"{host}:{port}"


async def _open_channel(client: Client) -> None:
    await client.connect_socket()
    await client.send_hello()
    await client.open_secure_channel()


async def _activate(client: Client, config: OpcUaConfig) -> None:
    password = config.password.get_secret_value() if config.user is not None else None
    await client.activate_session(username=config.user, password=password)


def _client(config: OpcUaConfig, url: str) -> Client:
    client = Client(url, timeout=ANSWER_TIMEOUT_S)
    client.uaclient.session = _Session(client.uaclient)
    client.name = client.description = "OPTRIA IQ"
    client.application_uri = application_uri()
    client.session_timeout = round((max(config.outage_s, 30.0) + SPARE_S) * 1000)
    return client


def application_uri() -> str:
    return f"urn:{socket.gethostname()}:optria"


async def _secure(client: Client, config: OpcUaConfig, home: Path, link: Link) -> None:
    if config.security_mode == "None":
        return
    policy = _POLICIES.get(config.security_policy, _POLICIES["Basic256Sha256"])
    mode = ua.MessageSecurityMode[config.security_mode]
    offered = await client.connect_and_get_server_endpoints()
    endpoint = _endpoint(offered, mode, policy.URI)
    leaf = await believe(endpoint, client.server_url.hostname or "", config, home, link)
    own = await own_certificate_of(home, application_uri(), link)
    try:
        await client.set_security(policy, own.der, own.key_der, server_certificate=leaf, mode=mode)
    except ValueError as error:
        raise ConnectorUnavailable(f"The OPC UA server's certificate cannot be read ({error}).") from error


def _endpoint(
    endpoints: list[ua.EndpointDescription], mode: ua.MessageSecurityMode, policy_uri: str
) -> ua.EndpointDescription:
    """The endpoint asked for; never one with less security."""
    for endpoint in endpoints:
        if endpoint.SecurityMode == mode and endpoint.SecurityPolicyUri == policy_uri:
            return endpoint
    offered = sorted({f"{e.SecurityMode.name} {e.SecurityPolicyUri.rpartition('#')[2]}" for e in endpoints})
    raise ConnectorUnavailable(
        f"The OPC UA server does not offer {mode.name} with {policy_uri.rpartition('#')[2]}. "
        f"It offers: {', '.join(offered)}. Choose one of these."
    )
