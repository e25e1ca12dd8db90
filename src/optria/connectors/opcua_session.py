"""An OPC UA session with its security, and what goes wrong in a person's words."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self

from asyncua import Client, ua
from asyncua.common.utils import ServiceError
from asyncua.crypto import security_policies
from pydantic import field_validator, model_validator

from optria.connectors.addresses import plant_url
from optria.connectors.allowed_hosts import Reach
from optria.connectors.config import SourceConfig
from optria.core.errors import ConnectorUnavailable
from optria.kit.certificates import fingerprint, own_certificate

CONNECT_TIMEOUT_S = 10.0
REQUEST_TIMEOUT_S = 4.0
GOODBYE_S = 0.5
WATCHDOG_S = 5.0
EXAMPLE = "opc.tcp://server:4840"

# asyncua writes a traceback for each thing reported here in a sentence; its INFO lines format whole results
logging.getLogger("asyncua").setLevel(logging.CRITICAL)

_MODES = {"none": "None", "sign": "Sign", "signandencrypt": "SignAndEncrypt"}
_POLICIES: dict[str, type[Any]] = {
    "Basic256Sha256": security_policies.SecurityPolicyBasic256Sha256,
    "Aes128Sha256RsaOaep": security_policies.SecurityPolicyAes128Sha256RsaOaep,
    "Aes256Sha256RsaPss": security_policies.SecurityPolicyAes256Sha256RsaPss,
}


class OpcUaConfig(SourceConfig):
    """``server_certificate_sha256`` pins the server; without it a secure mode needs ``trust_any_server``."""

    security_mode: Literal["None", "Sign", "SignAndEncrypt"] = "None"
    security_policy: Literal["None", "Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss"] = "None"
    server_certificate_sha256: str = ""
    trust_any_server: bool = False
    namespace_filter: str = ""
    max_tags_per_scan: int = 500

    @field_validator("security_mode", mode="before")
    @classmethod
    def _mode(cls, value: object) -> object:
        return _MODES.get(str(value).lower().replace("_", "").replace(" ", ""), value)

    @field_validator("server_certificate_sha256", mode="after")
    @classmethod
    def _pin(cls, value: str) -> str:
        return value.replace(":", "").replace(" ", "").lower()

    @model_validator(mode="after")
    def _pin_is_proven(self) -> Self:
        """Without security a server shows a certificate but does not prove that it is its own."""
        if self.server_certificate_sha256 and self.security_mode == "None":
            raise ValueError("a pinned server certificate needs the security mode Sign or SignAndEncrypt")
        return self


def host_and_port(config: OpcUaConfig) -> tuple[str, int]:
    """Where the server is. Raises ConnectorUnavailable for an address of another kind."""
    parts = plant_url(config.endpoint_url, ("opc.tcp",), EXAMPLE)
    return parts.hostname or "", parts.port or 4840


@asynccontextmanager
async def session(config: OpcUaConfig, home: Path, reach: Reach) -> AsyncIterator[Client]:
    """A connected client; closed within half a second however the block ends.

    Raises:
        ConnectorUnavailable: cannot connect, or the connection broke inside the block.
    """
    host, port = host_and_port(config)
    where = f"{host}:{port}"
    client: Client | None = None
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await reach.check(host, port)
            client = _client(config)
            await _secure(client, config, home)
            await client.connect()
        yield client
    except (ua.UaError, ServiceError, OSError, TimeoutError) as error:
        raise ConnectorUnavailable(sentence(error, where)) from error
    finally:
        if client is not None:
            await close(client)


def _client(config: OpcUaConfig) -> Client:
    client = Client(config.endpoint_url, timeout=REQUEST_TIMEOUT_S, watchdog_intervall=WATCHDOG_S)
    client.name = client.description = "OPTRIA IQ"
    client.application_uri = _application_uri()
    client.session_timeout = 60_000
    if config.user is not None:
        client.set_user(config.user)
        client.set_password(config.password.get_secret_value())
    return client


def _application_uri() -> str:
    return f"urn:{socket.gethostname()}:optria"


async def _secure(client: Client, config: OpcUaConfig, home: Path) -> None:
    if config.security_mode == "None":
        return
    policy = _POLICIES.get(config.security_policy, _POLICIES["Basic256Sha256"])
    mode = ua.MessageSecurityMode[config.security_mode]
    endpoints = await client.connect_and_get_server_endpoints()
    der = _certificate_of(endpoints, mode, policy.URI)
    check_pin(der, config)
    own = await asyncio.to_thread(
        own_certificate,
        home / "pki" / "opcua_client.pem",
        "OPTRIA IQ",
        _application_uri(),
        (socket.gethostname(),),
    )
    try:
        await client.set_security(policy, own.der, own.key_der, server_certificate=der, mode=mode)
    except ValueError as error:
        raise ConnectorUnavailable(f"The OPC UA server's certificate cannot be read ({error}).") from error


def _certificate_of(
    endpoints: list[ua.EndpointDescription], mode: ua.MessageSecurityMode, policy_uri: str
) -> bytes:
    """The server's certificate (DER) of the endpoint asked for, without its chain."""
    for endpoint in endpoints:
        if endpoint.SecurityMode == mode and endpoint.SecurityPolicyUri == policy_uri:
            return _first(endpoint.ServerCertificate)
    offered = sorted({f"{e.SecurityMode.name} {e.SecurityPolicyUri.rpartition('#')[2]}" for e in endpoints})
    raise ConnectorUnavailable(
        f"The OPC UA server does not offer {mode.name} with {policy_uri.rpartition('#')[2]}. "
        f"It offers: {', '.join(offered)}. Choose one of these."
    )


def _first(chain: bytes) -> bytes:
    """The leading certificate of a chain of DER certificates."""
    return chain[: int.from_bytes(chain[2:4], "big") + 4]


def check_pin(der: bytes, config: OpcUaConfig) -> None:
    """Refuse a server that is not the one pinned; trust on first use is never silent."""
    shown, pin = fingerprint(der), config.server_certificate_sha256
    if pin and pin != shown:
        raise ConnectorUnavailable(
            f"The OPC UA server shows another certificate than the one pinned (now SHA-256 {shown}). "
            "If the server was given a new certificate, compare this with the one shown there and pin it."
        )
    if not pin and not config.trust_any_server:
        raise ConnectorUnavailable(
            f"The OPC UA server's certificate is not pinned yet: SHA-256 {shown}. "
            "Compare it with the one shown at the server and enter it as server certificate."
        )


async def close(client: Client) -> None:
    """Say goodbye if the server still listens; drop the socket in any case."""
    with suppress(ua.UaError, OSError, TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            await client.disconnect()
    client.disconnect_socket()


_USER = (
    ua.uaerrors.BadUserAccessDenied,
    ua.uaerrors.BadIdentityTokenRejected,
    ua.uaerrors.BadIdentityTokenInvalid,
)
_CERTIFICATE = (
    ua.uaerrors.BadSecurityChecksFailed,
    ua.uaerrors.BadCertificateUntrusted,
    ua.uaerrors.BadCertificateInvalid,
    ua.uaerrors.BadCertificateTimeInvalid,
    ua.uaerrors.BadCertificateUriInvalid,
)


def sentence(error: Exception, where: str) -> str:
    """What an asyncua or socket error means, and what to do."""
    if isinstance(error, _USER):
        return f"The OPC UA server at {where} refused the user name or password. Check both."
    if isinstance(error, _CERTIFICATE):
        return (
            f"The OPC UA server at {where} and this system do not accept each other's certificate "
            f"({type(error).__name__}). Trust the certificate 'OPTRIA IQ' at the server, and check the one "
            "pinned here."
        )
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens at {where}. Check host and port, and whether the OPC UA server runs."
    if isinstance(error, TimeoutError):
        return f"The OPC UA server at {where} does not answer. Check address, network and firewall."
    if isinstance(error, OSError):
        return f"The connection to the OPC UA server at {where} failed ({error.strerror or error})."
    if "No matching endpoints" in str(error):
        return (
            f"The OPC UA server at {where} does not offer a connection without security. "
            "Choose the security mode Sign or SignAndEncrypt."
        )
    return f"The OPC UA server at {where} answered {type(error).__name__} ({str(error).rstrip('.')})."
