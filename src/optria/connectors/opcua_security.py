"""Whom an OPC UA connection believes, what it shows itself, and when either runs out."""

import asyncio
import socket
from datetime import datetime
from pathlib import Path

from asyncua import ua
from cryptography import x509

from optria.connectors.link import Link
from optria.connectors.opcua_config import OpcUaConfig
from optria.connectors.opcua_trust import Shown, TrustStore, Unknown, Untrusted, chain_of, name_of
from optria.core.errors import ConnectorRefused
from optria.kit import clock
from optria.kit.certificates import WARN_BEFORE, OwnCertificate, expires_at, fingerprint, own_certificate

OWN_NAME = "OPTRIA IQ"


def pki_of(home: Path) -> Path:
    return home / "pki"


def own_path(home: Path) -> Path:
    return pki_of(home) / "opcua_client.pem"


def own_hosts() -> tuple[str, ...]:
    return (socket.gethostname(),)


async def own_certificate_of(home: Path, application_uri: str, link: Link) -> OwnCertificate:
    """Ours; the link says when it runs out."""
    path = own_path(home)
    own = await asyncio.to_thread(own_certificate, path, OWN_NAME, application_uri, own_hosts())
    link.warn("our certificate", _ours_runs_out(own.expires_at, clock.now()))
    return own


async def believe(
    endpoint: ua.EndpointDescription, host: str, config: OpcUaConfig, home: Path, link: Link
) -> bytes:
    """The server's certificate (DER), after it was found to be the one that is meant.

    A pin in the connection decides by itself. Without one the trust store of the installation does; what it
    does not know is kept in ``rejected`` for somebody to look at.

    Raises:
        ConnectorRefused: says which certificate was shown and what to do; trust on first use is never silent.
    """
    chain = chain_of(endpoint.ServerCertificate or b"")
    shown = Shown(chain, host, endpoint.Server.ApplicationUri or "")
    try:
        leaf = shown.leaf
    except (ValueError, IndexError) as error:
        raise ConnectorRefused(
            f"The OPC UA server's certificate cannot be read ({error}).", "unreadable"
        ) from error
    if config.pins:
        _check_pin(chain[0], config)
    elif not config.trust_any_server:
        await asyncio.to_thread(_check_trusted, TrustStore(pki_of(home)), shown, leaf)
    link.warn("server certificate", _theirs_runs_out(leaf, clock.now()))
    return chain[0]


def _check_pin(der: bytes, config: OpcUaConfig) -> None:
    digest = fingerprint(der)
    if digest not in config.pins:
        raise ConnectorRefused(
            f"The OPC UA server shows another certificate than the one pinned (now SHA-256 {digest}). "
            "If the server was given a new certificate, compare this with the one shown there and pin it.",
            digest,
        )


def _check_trusted(store: TrustStore, shown: Shown, leaf: x509.Certificate) -> None:
    digest = fingerprint(shown.chain[0])
    try:
        store.check(shown, clock.now())
    except Untrusted as why:
        store.reject(leaf)
        said = "is not trusted yet" if isinstance(why, Unknown) else f"is refused, because {why}"
        raise ConnectorRefused(
            f"The OPC UA server's certificate {said}: SHA-256 {digest}. Compare it with the one shown at "
            "the server; then enter it as server certificate, or trust it with "
            f"`optria opcua trust {digest[:16]}`.",
            digest,
        ) from None


def _ours_runs_out(expires: datetime, now: datetime) -> str | None:
    if expires - now > WARN_BEFORE:
        return None
    verb = "expired" if expires <= now else "expires"
    return (
        f"Our certificate for OPC UA {verb} on {expires:%Y-%m-%d}. Renew it with "
        "`optria opcua certificate --renew` and trust the new one at the servers."
    )


def _theirs_runs_out(leaf: x509.Certificate, now: datetime) -> str | None:
    expires = leaf.not_valid_after_utc
    if expires - now > WARN_BEFORE:
        return None
    verb = "expired" if expires <= now else "expires"
    return (
        f"The certificate '{name_of(leaf)}' of the OPC UA server {verb} on {expires:%Y-%m-%d}. "
        "Renew it at the server, then trust the new one here."
    )


def warn_again(link: Link, ours: bytes | None, theirs: bytes | None) -> None:
    """Look at the dates (of DER certificates) anew: a connection may outlast a certificate."""
    now = clock.now()
    if ours:
        link.warn("our certificate", _ours_runs_out(expires_at(ours), now))
    if theirs:
        link.warn("server certificate", _theirs_runs_out(x509.load_der_x509_certificate(theirs), now))
