"""The application's own certificate."""

import stat
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from optria.kit import clock
from optria.kit.certificates import own_certificate


def test_it_is_made_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "pki" / "own.pem"
    first = own_certificate(path, "OPTRIA IQ", "urn:host:optria", ("host", "127.0.0.1"))
    again = own_certificate(path, "OPTRIA IQ", "urn:host:optria", ("host", "127.0.0.1"))
    assert first == again
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_it_says_what_opc_ua_wants(tmp_path: Path) -> None:
    made = own_certificate(tmp_path / "own.pem", "OPTRIA IQ", "urn:host:optria", ("host", "127.0.0.1"))
    certificate = x509.load_der_x509_certificate(made.der)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["urn:host:optria"]
    assert names.get_values_for_type(x509.DNSName) == ["host"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert certificate.not_valid_after_utc > clock.now() + timedelta(days=365)
    key = load_der_private_key(made.key_der, None)
    assert key.public_key() == certificate.public_key()
    assert len(made.sha256) == 64


def test_a_damaged_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "own.pem"
    path.write_text("not a key")
    made = own_certificate(path, "OPTRIA IQ", "urn:host:optria", ("host",))
    assert own_certificate(path, "OPTRIA IQ", "urn:host:optria", ("host",)) == made
