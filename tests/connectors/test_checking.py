"""A configuration as somebody sends it."""

from typing import Any

import pytest

from optria.connectors.checking import checked
from optria.core.errors import Invalid

V1 = {
    "is_demo": True,
    "auth_type": "anonymous",
    "time_zone": "Asia/Riyadh",
    "endpoint_url": "opc.tcp://demo-server:4840",
    "security_mode": "None",
    "security_policy": "None",
    "namespace_filter": "ns=2",
    "max_tags_per_scan": 1000,
    "sampling_interval_ms": 1000,
}


def test_version_1s_configuration_is_one() -> None:
    assert checked("opcua", V1) == (V1, [])


def test_what_a_kind_does_not_know_is_kept_out_and_named() -> None:
    kept, out = checked("pi", {"endpoint_url": "https://pi/piwebapi", "af_server": "AF", "a": 1})
    assert (kept, out) == ({"endpoint_url": "https://pi/piwebapi"}, ["a", "af_server"])


def test_what_is_stored_already_stays_when_it_comes_back_as_it_was() -> None:
    stored = {"endpoint_url": "https://pi/piwebapi", "af_server": "AF", "extra": {"a": [1]}}
    assert checked("pi", stored, stored) == (stored, [])
    with pytest.raises(Invalid, match="'extra' must be a short text"):
        checked("pi", {**stored, "extra": {"b": 1}}, stored)


@pytest.mark.parametrize(
    ("kind", "config", "says"),
    [
        ("sap", {}, "no connection of the kind 'sap'. Choose one of opcua, pi, sql, demo"),
        ("opcua", {}, "'endpoint_url' is missing. Write it like opc.tcp://server:4840"),
        ("opcua", {"endpoint_url": ""}, "'endpoint_url' is missing"),
        ("opcua", {"endpoint_url": None}, "'endpoint_url' is missing"),
        ("opcua", {"endpoint_url": 5}, "'endpoint_url' must be a text"),
        ("opcua", {"endpoint_url": "opc.tcp://a\x00"}, "'endpoint_url' must be a text"),
        ("opcua", {"endpoint_url": "\ud800"}, "'endpoint_url' must be a text"),
        ("opcua", {"endpoint_url": "x" * 501}, "'endpoint_url' must be a text"),
        ("opcua", {"security_mode": "Maybe"}, "'security_mode' must be one of None, Sign, SignAndEncrypt"),
        ("opcua", {"trust_any_server": "yes"}, "'trust_any_server' must be true or false"),
        ("opcua", {"sampling_interval_ms": 1}, "'sampling_interval_ms' must be a number from 10 to 3600000"),
        ("opcua", {"sampling_interval_ms": float("inf")}, "must be a number"),
        ("opcua", {"sampling_interval_ms": "1e400"}, "must be a number"),
        ("opcua", {"sampling_interval_ms": 10**400}, "must be a number"),
        ("opcua", {"sampling_interval_ms": True}, "must be a number"),
        ("opcua", {"sampling_interval_ms": [1]}, "must be a number"),
        ("opcua", {"password": {"a": 1}}, "'password' must be a text"),
        ("opcua", {"is_demo": {"deep": []}}, "'is_demo' must be a short text"),
        ("sql", {"endpoint_url": "postgresql://u:p/w@host/db"}, "User and password belong into their own"),
        ("sql", {"endpoint_url": "postgresql://u:p@host/db", "password": "q"}, "Give them once"),
        ("sql", {"endpoint_url": "postgresql://u@host/db", "username": "v"}, "Give them once"),
        ("sql", {"endpoint_url": "postgresql://u:p@[host/db"}, "not a valid address"),
    ],
)
def test_the_first_fault_is_a_sentence(kind: str, config: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(kind, config)
    assert says in str(refused.value)


def test_numbers_written_as_text_become_numbers() -> None:
    kept, _ = checked("demo", {"sampling_interval_ms": "250"})
    assert kept == {"sampling_interval_ms": 250}


@pytest.mark.parametrize(
    ("kind", "url", "bare", "sign_in"),
    [
        ("sql", "postgresql://reader:p%40ss@host:5432/db", "postgresql://host:5432/db", "basic"),
        ("pi", "https://reader:p%40ss@host/piwebapi", "https://host/piwebapi", "basic"),
        ("opcua", "opc.tcp://reader:p%40ss@host:4840", "opc.tcp://host:4840", "username"),
    ],
)
def test_a_password_in_the_address_moves_to_its_own_setting(
    kind: str, url: str, bare: str, sign_in: str
) -> None:
    kept, _ = checked(kind, {"endpoint_url": url, "auth_type": "anonymous"})
    assert kept == {
        "endpoint_url": bare,
        "auth_type": sign_in,
        "username": "reader",
        "password": "p@ss",
    }


def test_an_at_sign_in_the_path_of_a_file_is_part_of_it() -> None:
    config = {"endpoint_url": "sqlite:////data/a@b.db"}
    assert checked("sql", config) == (config, [])
