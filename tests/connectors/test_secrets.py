"""Secrets of a configuration: found, sealed for their place, opened for use, hidden from people."""

import os
from typing import Any

import pytest

from optria.connectors.secrets import HIDDEN, MARK, PLAIN, Vault, count_keys, is_sealed, redacted, with_stored
from optria.core.errors import ConfigurationError, Invalid
from optria.kit.secrets import Sealer

KEY = os.urandom(32)
SEALER = Sealer({"a": KEY})
CONFIG: dict[str, Any] = {
    "endpoint_url": "https://pi.test/piwebapi",
    "username": "reader",
    "password": "s3cret",
    "apiKey": "s3cret",
    "empty_password": "",
    "pin_token": 1234,
    "nested": {"client_secret": "s3cret", "list": [{"token": "s3cret"}, 4]},
    "credentials": {"user": "u", "word": "s3cret"},
}


def vault(tenant_id: int = 1, integration_id: int = 7, sealer: Sealer = SEALER) -> Vault:
    return Vault(sealer, tenant_id, integration_id)


def test_every_secret_is_sealed_and_opens_again() -> None:
    sealed = vault().seal(CONFIG)
    assert "s3cret" not in str(sealed)
    assert is_sealed(sealed["pin_token"])
    assert (sealed["username"], sealed["empty_password"]) == ("reader", "")
    assert is_sealed(sealed["password"])
    assert vault().open(sealed) == CONFIG


def test_a_sealed_one_stays_as_it_is_when_it_is_written_again() -> None:
    sealed = vault().seal(CONFIG)
    assert vault().seal(sealed) == vault().renew(sealed) == sealed


@pytest.mark.parametrize("other", [vault(tenant_id=2), vault(integration_id=8)])
def test_a_secret_moved_to_another_tenant_or_connection_does_not_open(other: Vault) -> None:
    with pytest.raises(
        ConfigurationError, match=r"The setting 'password' of the connection: .* another place"
    ):
        other.open({"password": vault().seal({"password": "s3cret"})["password"]})


def test_a_secret_moved_to_another_setting_does_not_open() -> None:
    sealed = vault().seal({"password": "s3cret"})["password"]
    for config in ({"token": sealed}, {"username": sealed}, {"nested": {"password": sealed}}):
        with pytest.raises(ConfigurationError, match="another place"):
            vault().open(config)


def test_an_altered_secret_does_not_open() -> None:
    for wrong in ("v1:a:AAAA:AAAA", "nonsense", None, 5, {"x": 1}):
        with pytest.raises(ConfigurationError, match="altered"):
            vault().open({"password": {MARK: wrong}})


def test_version_1s_plain_text_is_used_as_it_is() -> None:
    assert vault().open(CONFIG) == CONFIG


def test_two_keys_rotate() -> None:
    both = Sealer({"b": os.urandom(32), "a": KEY})
    old = vault().seal({"password": "s3cret", "token": "t"})
    fresh = vault(sealer=both).renew({**old, "api_key": "plain"})
    assert count_keys({**old, "api_key": "plain"}) == {"a": 2, PLAIN: 1}
    assert count_keys(fresh) == {"b": 3}
    assert vault(sealer=both).open(fresh) == {"password": "s3cret", "token": "t", "api_key": "plain"}
    with pytest.raises(ConfigurationError, match="the key 'b'"):
        vault().open(fresh)


def test_secrets_are_hidden_wherever_they_are() -> None:
    shown = redacted({**vault().seal(CONFIG), "list": ["opc.tcp://u:s3cret@x", 4]})
    assert "s3cret" not in str(shown)
    assert MARK not in str(shown)
    assert (shown["password"], shown["credentials"]) == (HIDDEN, HIDDEN)
    assert redacted({"url": "postgresql://reader:s3/cr@et@db.test:5432/plant"}) == {
        "url": f"postgresql://reader:{HIDDEN}@db.test:5432/plant"
    }


def test_the_mask_keeps_what_is_stored() -> None:
    stored = vault().seal({"password": "s3cret"})
    assert with_stored({"password": HIDDEN, "username": "new"}, stored) == {**stored, "username": "new"}
    assert with_stored({"password": "other"}, stored) == {"password": "other"}
    assert with_stored({"username": HIDDEN}, stored) == {"username": HIDDEN}


@pytest.mark.parametrize("sent", [{"password": HIDDEN}, {"password": {MARK: "v1:a:x:y"}}, {"a": {MARK: "x"}}])
def test_neither_a_mask_of_nothing_nor_a_sealed_value_comes_from_outside(sent: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        with_stored(sent, {})


@pytest.mark.parametrize(
    "name", ["pwd", "DB_PWD", "connection_string", "ConnectionString", "conn_str", "dsn", "access_key"]
)
def test_version_1s_other_names_of_secrets_are_sealed_and_hidden(name: str) -> None:
    stored = vault().seal({name: "Server=db;Password=s3cret"})
    assert "s3cret" not in str(stored)
    assert redacted(stored) == {name: HIDDEN}
    assert with_stored(redacted(stored), stored) == stored


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Server=db;Uid=r;PWD=s3cret;Port=1", "Server=db;Uid=r;PWD=********;Port=1"),
        ('Password = "s3c;ret x";Server=db', "Password = ********;Server=db"),
        ("Server=db;password=s3 cret", "Server=db;password=********"),
        ("https://h/p?user=r&api_key=s3cret&x=1", "https://h/p?user=r&api_key=********&x=1"),
        ("http://u:s3cret@h/", f"http://u:{HIDDEN}@h/"),
        ("SELECT tag, value FROM passwords", "SELECT tag, value FROM passwords"),
    ],
)
def test_a_secret_inside_a_text_is_hidden_and_stays_when_it_comes_back(text: str, shown: str) -> None:
    stored: dict[str, object] = {"odbc": text, "deep": {"odbc": [text]}}
    masked = redacted(stored)
    assert masked == {"odbc": shown, "deep": {"odbc": [shown]}}
    assert with_stored(masked, stored) == stored
    if HIDDEN in shown:
        with pytest.raises(Invalid, match="'odbc' is masked"):
            with_stored({"odbc": f"{shown};other"}, stored)
    as_it_is: dict[str, object] = {"odbc": f"PWD={HIDDEN};x=1"}
    assert with_stored(as_it_is, as_it_is) == as_it_is
