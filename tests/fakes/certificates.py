"""Certificates of a plant: authorities, servers, and such as have expired."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from optria.kit import clock
from optria.kit.certificates import OwnCertificate

URI = "urn:optria:simulated-plant:server"
YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    def own(self, path: Path) -> OwnCertificate:
        """As the product keeps it: key and certificate in one PEM file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self._key(Encoding.PEM) + self.certificate.public_bytes(Encoding.PEM))
        path.chmod(0o600)
        return OwnCertificate(path, self.der, self._key(Encoding.DER))

    def _key(self, encoding: Encoding) -> bytes:
        return self.key.private_bytes(encoding, PrivateFormat.PKCS8, NoEncryption())


def made(
    name: str = "Plant server",
    *,
    uri: str = URI,
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost"),
    issuer: Made | None = None,
    is_authority: bool = False,
    expires_at: datetime | None = None,
) -> Made:
    """A certificate of ``issuer``, or one that signed itself."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = expires_at or clock.now() + YEAR
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(end, clock.now()) - YEAR)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
    )
    if not is_authority:
        names = [x509.UniformResourceIdentifier(uri), *map(_host, hosts)]
        usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return Made(builder.sign(issuer.key if issuer else key, SHA256()), key)


def revocation_list(issuer: Made, *revoked: Made) -> bytes:
    """In DER."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(clock.now())
        .next_update(clock.now() + YEAR)
    )
    for each in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(clock.now()).build())
    return builder.sign(issuer.key, SHA256()).public_bytes(Encoding.DER)


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage() -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
