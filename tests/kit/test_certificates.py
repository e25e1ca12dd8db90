"""The application's own certificate."""

import stat
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_der_private_key

from optria.kit import clock
from optria.kit.certificates import own_certificate, renew_certificate
from tests.fakes.certificates import made


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


def test_it_is_renewed_on_request_and_the_old_one_is_kept(tmp_path: Path) -> None:
    given = (tmp_path / "own.pem", "OPTRIA IQ", "urn:host:optria", ("host",))
    first = own_certificate(*given)
    before = first.path.read_bytes()
    second = renew_certificate(*given)
    assert second.sha256 != first.sha256
    assert own_certificate(*given) == second
    assert (tmp_path / "own.pem.old").read_bytes() == before
    assert stat.S_IMODE(second.path.stat().st_mode) == 0o600


def test_one_that_has_expired_is_kept(tmp_path: Path) -> None:
    """Servers that trust it may be more patient than they should; another one they would refuse at once."""
    path = tmp_path / "own.pem"
    expired = made("OPTRIA IQ", expires_at=clock.now() - timedelta(days=1)).own(path)
    kept = own_certificate(path, "OPTRIA IQ", "urn:host:optria", ("host",))
    assert kept.sha256 == expired.sha256
    assert kept.expires_at < clock.now()
