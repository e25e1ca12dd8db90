"""``optria opcua``: which OPC UA servers are trusted, and the certificate that they see of us."""

import asyncio
from collections.abc import Iterable
from datetime import UTC
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from cryptography import x509

from optria.connectors.allowed_hosts import Reach
from optria.connectors.opcua_security import OWN_NAME, own_hosts, own_path, pki_of
from optria.connectors.opcua_session import application_uri, certificates_at
from optria.connectors.opcua_trust import TrustStore, name_of, read_certificate, sha256_of
from optria.core.errors import ConfigurationError
from optria.kit import clock, logs
from optria.kit.certificates import own_certificate, renew_certificate
from optria.kit.settings import Settings

app = typer.Typer(help="Certificates of OPC UA: whom we trust, and our own.", no_args_is_help=True)

SHORTEST_DIGEST = 8
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask: somebody has compared it already.")]


@app.command()
def trust(
    what: Annotated[
        str, typer.Argument(help="opc.tcp://… of a server, a file, or the SHA-256 of a rejected one.")
    ],
    yes: Yes = False,
    issuer: Annotated[
        bool, typer.Option("--issuer", help="It only completes chains and is not trusted itself.")
    ] = False,
) -> None:
    """Trust a server, or an authority and with it every server that it issued a certificate for."""
    settings = _settings()
    store = _store(settings)
    certificate = _found(what, store, settings)
    _show(certificate)
    if not yes:
        typer.confirm("Is this what the server shows as its own? Trust it", abort=True)
    path = store.add_issuer(certificate) if issuer else store.trust(certificate)
    typer.echo(f"{'Stored as an issuer' if issuer else 'Trusted'}: {path}")


@app.command()
def distrust(
    what: Annotated[
        str, typer.Argument(help="The SHA-256 of a trusted one (its beginning will do), or a file.")
    ],
) -> None:
    """Trust a certificate no longer. Connections that run with it end at their next reconnect."""
    store = _store(_settings())
    certificate = _of_digest(what, [*store.trusted().values(), *store.issuers().values()]) or _of_file(what)
    if certificate is None:
        raise ConfigurationError(f"No trusted certificate begins with '{what}'. See `optria opcua list`.")
    store.distrust(certificate)
    typer.echo(f"No longer trusted: {name_of(certificate)}, SHA-256 {sha256_of(certificate)}")


@app.command("list")
def list_all() -> None:
    """Trusted, issuing and rejected certificates."""
    store = _store(_settings())
    for title, kept in (
        ("Trusted", store.trusted()),
        ("Issuers", store.issuers()),
        ("Rejected", store.rejected()),
    ):
        typer.echo(f"{title}: {len(kept) or 'none'}")
        for certificate in kept.values():
            typer.echo(f"  {sha256_of(certificate)}  {_until(certificate)}  {name_of(certificate)}")


@app.command()
def certificate(
    renew: Annotated[
        bool, typer.Option("--renew", help="Make another one; trust it at the servers.")
    ] = False,
    yes: Yes = False,
) -> None:
    """The certificate that OPC UA servers see of us: where it is, its SHA-256, and until when it is valid."""
    home = _settings().home_folder
    given = (own_path(home), OWN_NAME, application_uri(), own_hosts())
    if renew and not yes:
        typer.confirm(
            "Every server that trusts the present one refuses the next until it is trusted there. Renew",
            abort=True,
        )
    own = renew_certificate(*given) if renew else own_certificate(*given)
    shown = x509.load_der_x509_certificate(own.der)
    der = own.path.with_suffix(".der")
    der.write_bytes(own.der)
    _show(shown)
    typer.echo(f"File to trust at the servers: {der}")


def _settings() -> Settings:
    settings = Settings()
    logs.configure(settings.log_level, settings.log_json)
    return settings


def _store(settings: Settings) -> TrustStore:
    return TrustStore(pki_of(settings.home_folder))


def _found(what: str, store: TrustStore, settings: Settings) -> x509.Certificate:
    """By address, file or digest. Raises ConfigurationError, or ConnectorUnavailable for a server."""
    if urlsplit(what).scheme == "opc.tcp":
        return x509.load_der_x509_certificate(asyncio.run(certificates_at(what, Reach.of(settings)))[0])
    found = _of_digest(what, store.rejected().values()) or _of_file(what)
    if found is None:
        raise ConfigurationError(
            f"'{what}' is neither an address (opc.tcp://…) nor a file, and no rejected certificate begins "
            "with it. See `optria opcua list`."
        )
    return found


def _of_digest(what: str, certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    wanted = what.replace(":", "").replace(" ", "").lower()
    if len(wanted) < SHORTEST_DIGEST:
        return None
    return next((each for each in certificates if sha256_of(each).startswith(wanted)), None)


def _of_file(what: str) -> x509.Certificate | None:
    try:
        return read_certificate(Path(what).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The file '{what}' holds no certificate that can be read ({error})."
        ) from None


def _show(certificate: x509.Certificate) -> None:
    for title, value in (
        ("Subject", certificate.subject.rfc4514_string()),
        ("Issuer", certificate.issuer.rfc4514_string()),
        ("Valid", f"{certificate.not_valid_before_utc:%Y-%m-%d} to {_until(certificate)}"),
        ("SHA-256", sha256_of(certificate)),
    ):
        typer.echo(f"{title + ':':9}{value}")


def _until(certificate: x509.Certificate) -> str:
    ends = certificate.not_valid_after_utc.astimezone(UTC)
    return f"{ends:%Y-%m-%d}{' (expired)' if ends < clock.now() else ''}"
