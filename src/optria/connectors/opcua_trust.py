"""Which server certificates are trusted: folders of an installation, and the checks of OPC 10000-4, 6.1.3.

asyncua's own ``TrustStore`` and ``CertificateValidator`` are not used: they know no issuers that complete a
chain without being trusted and no host names, and a revocation list revokes by serial number alone.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from optria.kit.certificates import fingerprint

DEEPEST_CHAIN = 8
REJECTED_KEPT = 50
_NAME = re.compile(r"[^\w .-]+")


class Untrusted(ValueError):
    """A server certificate that is not to be believed; the text says why."""


class Unknown(Untrusted):
    """Nobody has decided about it yet, or about its issuer."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate as a server shows it: the chain (DER, leaf first), its host and its application URI."""

    chain: Sequence[bytes]
    host: str
    application_uri: str

    @property
    def leaf(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.chain[0])


class TrustStore:
    """Certificates as DER files in the folders ``trusted``, ``issuers``, ``rejected`` and ``crl`` of ``pki``.

    ``trusted`` are servers, or authorities all of whose servers are; ``issuers`` complete chains and are not
    trusted themselves. Blocking: call it in a thread.
    """

    def __init__(self, pki: Path) -> None:
        self._pki = pki

    def folder(self, name: str) -> Path:
        return self._pki / name

    def trusted(self) -> dict[Path, x509.Certificate]:
        return self._certificates("trusted")

    def rejected(self) -> dict[Path, x509.Certificate]:
        return self._certificates("rejected")

    def issuers(self) -> dict[Path, x509.Certificate]:
        return self._certificates("issuers")

    def trust(self, certificate: x509.Certificate) -> Path:
        """Store it as trusted, and no longer as rejected."""
        self._forget(certificate, "rejected")
        return self._store(certificate, "trusted")

    def add_issuer(self, certificate: x509.Certificate) -> Path:
        """Store it as one that completes chains."""
        self._forget(certificate, "rejected")
        return self._store(certificate, "issuers")

    def distrust(self, certificate: x509.Certificate) -> None:
        """Store it as rejected, and no longer as trusted or as an issuer."""
        self._store(certificate, "rejected")
        for name in ("trusted", "issuers"):
            self._forget(certificate, name)

    def reject(self, certificate: x509.Certificate) -> None:
        """Keep what a server showed, for somebody to look at; the oldest go when there are many."""
        self._store(certificate, "rejected")
        kept = sorted(self.rejected(), key=lambda path: path.stat().st_mtime)
        for path in kept[:-REJECTED_KEPT]:
            path.unlink(missing_ok=True)

    def check(self, shown: Shown, now: datetime) -> None:
        """Raises Untrusted, with the reason, unless it is trusted by itself or by its issuer."""
        leaf = shown.leaf
        trusted = {sha256_of(each) for each in self.trusted().values()}
        chain = self._chain(leaf, shown)
        if not trusted.intersection(map(sha256_of, chain)):
            raise Unknown("it is not trusted yet")
        for each in chain:
            _check_validity(each, now)
        _check_uri(leaf, shown.application_uri)
        if sha256_of(leaf) not in trusted:
            _check_host(leaf, shown.host)
        self._check_revoked(chain)

    def _chain(self, leaf: x509.Certificate, shown: Shown) -> list[x509.Certificate]:
        """From the leaf to a self-signed certificate, as far as it is known; every signature is verified."""
        sent = [x509.load_der_x509_certificate(der) for der in shown.chain[1:]]
        candidates = [*self.trusted().values(), *self.issuers().values(), *sent]
        chain = [leaf]
        while len(chain) < DEEPEST_CHAIN and chain[-1].issuer != chain[-1].subject:
            issuer = next((each for each in candidates if _has_issued(each, chain[-1])), None)
            if issuer is None:
                break
            chain.append(issuer)
        return chain

    def _check_revoked(self, chain: Sequence[x509.Certificate]) -> None:
        lists = list(self._revocation_lists())
        for certificate, issuer in pairwise(chain):
            for each in lists:
                if each.issuer != issuer.subject or not _is_signed_by(each, issuer):
                    continue
                if each.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
                    raise Untrusted(f"its issuer has revoked '{name_of(certificate)}'")

    def _revocation_lists(self) -> Iterable[x509.CertificateRevocationList]:
        for path in _files(self.folder("crl")):
            try:
                yield x509.load_der_x509_crl(path.read_bytes())
            except (OSError, ValueError):
                continue

    def _certificates(self, name: str) -> dict[Path, x509.Certificate]:
        found = {}
        for path in _files(self.folder(name)):
            try:
                found[path] = read_certificate(path.read_bytes())
            except (OSError, ValueError):
                continue
        return found

    def _store(self, certificate: x509.Certificate, name: str) -> Path:
        """As ``Name [SHA-256].der``, whole or not at all."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        label = _NAME.sub("_", name_of(certificate))[:60].strip()
        path = folder / f"{label} [{sha256_of(certificate)}].der"
        draft = path.with_suffix(".part")
        draft.write_bytes(certificate.public_bytes(Encoding.DER))
        draft.replace(path)
        return path

    def _forget(self, certificate: x509.Certificate, name: str) -> None:
        for path, each in self._certificates(name).items():
            if each == certificate:
                path.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    return (
        sorted(path for path in folder.iterdir() if path.suffix in {".der", ".pem", ".crt", ".cer", ".crl"})
        if folder.is_dir()
        else []
    )


def read_certificate(content: bytes) -> x509.Certificate:
    """A certificate in DER or PEM. Raises ValueError."""
    if content.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_certificate(content)
    return x509.load_der_x509_certificate(content)


def chain_of(ders: bytes) -> list[bytes]:
    """A server's certificate and those that follow it, each in DER; one after the other on the wire."""
    chain: list[bytes] = []
    while len(ders) > 4 and len(chain) < DEEPEST_CHAIN:
        length = int.from_bytes(ders[2:4], "big") + 4
        chain.append(ders[:length])
        ders = ders[length:]
    return chain


def sha256_of(certificate: x509.Certificate) -> str:
    return fingerprint(certificate.public_bytes(Encoding.DER))


def name_of(certificate: x509.Certificate) -> str:
    """Its common name, or all of its subject."""
    common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else certificate.subject.rfc4514_string() or "no name"


def _has_issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Whether it is an authority that signed the certificate."""
    try:
        basic = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return basic.ca


def _is_signed_by(revoked: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return revoked.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # else a TypeError
    except TypeError:
        return False


def _check_validity(certificate: x509.Certificate, now: datetime) -> None:
    if now > certificate.not_valid_after_utc:
        raise Untrusted(f"'{name_of(certificate)}' expired on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if now < certificate.not_valid_before_utc:
        raise Untrusted(
            f"'{name_of(certificate)}' is valid only from {certificate.not_valid_before_utc:%Y-%m-%d} on"
        )


def _names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _check_uri(certificate: x509.Certificate, application_uri: str) -> None:
    if application_uri not in _names(certificate).get_values_for_type(x509.UniformResourceIdentifier):
        raise Untrusted(f"it is not of the application '{application_uri}' that the server says it is")


def _check_host(certificate: x509.Certificate, host: str) -> None:
    """An authority vouches for many machines, so the one that answers has to be the one that was meant."""
    names = _names(certificate)
    try:
        is_named = ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        is_named = host.lower() in (name.lower() for name in names.get_values_for_type(x509.DNSName))
    if not is_named:
        raise Untrusted(f"it is not of the host '{host}'")
