"""The trust store: what is believed, by itself or by its issuer, and why something is not."""

from datetime import timedelta
from pathlib import Path

import pytest

from optria.connectors.opcua_trust import REJECTED_KEPT, Shown, TrustStore, Unknown, Untrusted, chain_of
from optria.kit import clock
from tests.fakes.certificates import URI, Made, made, revocation_list


@pytest.fixture
def store(tmp_path: Path) -> TrustStore:
    return TrustStore(tmp_path / "pki")


@pytest.fixture(scope="module")
def root() -> Made:
    return made("Plant root", is_authority=True)


@pytest.fixture(scope="module")
def between(root: Made) -> Made:
    return made("Plant authority", issuer=root, is_authority=True)


@pytest.fixture(scope="module")
def alone() -> Made:
    return made("A server", hosts=("elsewhere",))


def shown(*chain: Made, host: str = "127.0.0.1", uri: str = URI) -> Shown:
    return Shown([each.der for each in chain], host, uri)


def issue(store: TrustStore, name: str, certificate: Made) -> None:
    store.folder(name).mkdir(parents=True, exist_ok=True)
    (store.folder(name) / f"{certificate.certificate.serial_number}.der").write_bytes(certificate.der)


def test_nobody_is_trusted_at_first(store: TrustStore, alone: Made) -> None:
    with pytest.raises(Unknown, match="not trusted yet"):
        store.check(shown(alone), clock.now())


def test_a_certificate_is_trusted_by_itself_under_any_name(store: TrustStore, alone: Made) -> None:
    path = store.trust(alone.certificate)
    store.check(shown(alone), clock.now())
    assert path.name.startswith("A server [")
    assert path.read_bytes() == alone.der


def test_another_one_of_the_same_name_is_not(store: TrustStore, alone: Made) -> None:
    store.trust(alone.certificate)
    with pytest.raises(Unknown):
        store.check(shown(made("A server")), clock.now())


def test_distrusted_it_is_refused_and_kept_to_be_looked_at(store: TrustStore, alone: Made) -> None:
    store.trust(alone.certificate)
    store.distrust(alone.certificate)
    assert list(store.rejected().values()) == [alone.certificate]
    with pytest.raises(Unknown):
        store.check(shown(alone), clock.now())


@pytest.mark.parametrize("sent", [True, False])
def test_an_authority_vouches_for_its_servers(
    store: TrustStore, root: Made, between: Made, *, sent: bool
) -> None:
    """Over an authority between, which the server sends or the installation has."""
    server = made(issuer=between)
    issue(store, "trusted", root)
    if not sent:
        with pytest.raises(Unknown):
            store.check(shown(server), clock.now())
        issue(store, "issuers", between)
    store.check(shown(server, between) if sent else shown(server), clock.now())


def test_an_issuer_alone_is_not_trusted(store: TrustStore, root: Made, between: Made) -> None:
    issue(store, "issuers", root)
    issue(store, "issuers", between)
    with pytest.raises(Unknown):
        store.check(shown(made(issuer=between)), clock.now())


def test_a_server_is_no_authority(store: TrustStore, alone: Made) -> None:
    """Whoever has the key of one trusted server cannot issue others."""
    store.trust(alone.certificate)
    with pytest.raises(Unknown):
        store.check(shown(made("Forged", issuer=alone), alone), clock.now())


def test_a_name_is_no_signature(store: TrustStore, root: Made) -> None:
    issue(store, "trusted", root)
    forged = made(issuer=made("Plant root", is_authority=True))
    with pytest.raises(Unknown):
        store.check(shown(forged), clock.now())


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ({"hosts": ("other-machine",)}, "not of the host '127.0.0.1'"),
        ({"uri": "urn:other"}, "not of the application 'urn:optria:simulated-plant:server'"),
        ({"expires_at": clock.now() - timedelta(days=1)}, "'Plant server' expired on"),
    ],
)
def test_what_an_authority_issued_is_looked_at(
    store: TrustStore, root: Made, server: dict[str, object], why: str
) -> None:
    issue(store, "trusted", root)
    with pytest.raises(Untrusted, match=why):
        store.check(shown(made(issuer=root, **server)), clock.now())  # type: ignore[arg-type]


def test_an_expired_certificate_is_refused_also_when_trusted(store: TrustStore, alone: Made) -> None:
    store.trust(alone.certificate)
    with pytest.raises(Untrusted, match="expired on"):
        store.check(shown(alone), clock.now() + timedelta(days=400))
    with pytest.raises(Untrusted, match="valid only from"):
        store.check(shown(alone), clock.now() - timedelta(days=400))


def test_what_its_issuer_revoked_is_refused(store: TrustStore, root: Made) -> None:
    gone, good = made("Gone", issuer=root), made("Good", issuer=root)
    issue(store, "trusted", root)
    store.folder("crl").mkdir()
    (store.folder("crl") / "root.crl").write_bytes(revocation_list(root, gone))
    store.check(shown(good), clock.now())
    with pytest.raises(Untrusted, match="revoked 'Gone'"):
        store.check(shown(gone), clock.now())


def test_a_list_that_somebody_else_signed_revokes_nothing(store: TrustStore, root: Made) -> None:
    server, stranger = made(issuer=root), made("Plant root", is_authority=True)
    issue(store, "trusted", root)
    store.folder("crl").mkdir()
    (store.folder("crl") / "root.crl").write_bytes(revocation_list(stranger, server))
    store.check(shown(server), clock.now())


def test_only_so_many_rejected_ones_are_kept(store: TrustStore, alone: Made, root: Made) -> None:
    store.reject(alone.certificate)
    for number in range(REJECTED_KEPT):
        path = store.folder("rejected") / f"{number}.der"
        path.write_bytes(root.der)
    store.reject(root.certificate)
    assert len(store.rejected()) == REJECTED_KEPT


def test_files_that_are_no_certificates_do_no_harm(store: TrustStore, alone: Made) -> None:
    store.trust(alone.certificate)
    (store.folder("trusted") / "notes.der").write_text("not a certificate")
    store.check(shown(alone), clock.now())


def test_a_chain_is_taken_apart(root: Made, between: Made) -> None:
    assert chain_of(between.der + root.der) == [between.der, root.der]
    assert chain_of(b"") == []
    assert chain_of(b"\x30\x82\x7f\xff\x00") == [b"\x30\x82\x7f\xff\x00"]
