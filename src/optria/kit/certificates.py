"""A self-signed application certificate, made on demand and kept in a folder of the installation.

It is not renewed by itself: every server that trusts the old one would refuse the new one at that moment.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from optria.kit import clock, private_file

VALID_FOR = timedelta(days=3 * 365)
WARN_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class OwnCertificate:
    """A certificate with its private key (PKCS 8), both in DER; ``path`` holds both in PEM."""

    path: Path
    der: bytes
    key_der: bytes

    @property
    def sha256(self) -> str:
        return fingerprint(self.der)

    @property
    def expires_at(self) -> datetime:
        return expires_at(self.der)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a DER certificate, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(der).hexdigest()


def expires_at(der: bytes) -> datetime:
    """When a DER certificate ends to be valid. Raises ValueError for what is no certificate."""
    return x509.load_der_x509_certificate(der).not_valid_after_utc


def own_certificate(path: Path, name: str, application_uri: str, hosts: tuple[str, ...]) -> OwnCertificate:
    """The certificate and key in the file ``path``, made if missing; also one that has expired is kept.

    Blocking (a 2048-bit key takes about 0.1 s): call it in a thread. Key and certificate share one file that
    is replaced whole, so two callers never see halves of different pairs.
    """
    return _read(path) or _make(path, name, application_uri, hosts)


def renew_certificate(path: Path, name: str, application_uri: str, hosts: tuple[str, ...]) -> OwnCertificate:
    """Another key and certificate in ``path``; the file before is kept beside it, ``.old`` at its end."""
    if path.exists():
        path.replace(path.with_name(f"{path.name}.old"))
    return _make(path, name, application_uri, hosts)


def _make(path: Path, name: str, application_uri: str, hosts: tuple[str, ...]) -> OwnCertificate:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    certificate = _sign(key, name, application_uri, hosts)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_file.replace(path, _bytes(key, Encoding.PEM) + certificate.public_bytes(Encoding.PEM))
    return OwnCertificate(path, certificate.public_bytes(Encoding.DER), _bytes(key, Encoding.DER))


def _bytes(key: rsa.RSAPrivateKey, encoding: Encoding) -> bytes:
    return key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())


def _read(path: Path) -> OwnCertificate | None:
    try:
        pem = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(pem)
        key = load_pem_private_key(pem, None)
    except (OSError, ValueError):
        return None
    if not isinstance(key, rsa.RSAPrivateKey):
        return None
    return OwnCertificate(path, certificate.public_bytes(Encoding.DER), _bytes(key, Encoding.DER))


def _sign(
    key: rsa.RSAPrivateKey, name: str, application_uri: str, hosts: tuple[str, ...]
) -> x509.Certificate:
    """After OPC 10000-6, 6.2.2: application URI and hosts in the alternative name, both key usages."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(application_uri)]
    names += [_host_name(host) for host in hosts]
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH])
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(hours=1))
        .not_valid_after(clock.now() + VALID_FOR)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(both, critical=False)
        .sign(key, SHA256())
    )


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
