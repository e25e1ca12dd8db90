"""Settings that protect less than the stored ones."""

import pytest

from optria.connectors.protection import weakened

SECURE = {"security_mode": "SignAndEncrypt", "security_policy": "Basic256Sha256"}
PIN = {"server_certificate_sha256": "AB:CD"}
TLS = {"endpoint_url": "postgresql://db/plant?sslmode=require"}


@pytest.mark.parametrize(
    ("stored", "config", "setting"),
    [
        ({}, {"verify_tls": False}, "verify_tls"),
        ({"verify_tls": True}, {"verify_tls": False}, "verify_tls"),
        ({"verify_tls": False}, {"verify_tls": False}, None),
        ({"verify_tls": False}, {"verify_tls": True}, None),
        ({}, {"trust_any_server": True}, "trust_any_server"),
        ({"trust_any_server": True}, {}, None),
        (SECURE, {}, "security_mode"),
        (SECURE, SECURE | {"security_mode": "Sign"}, "security_mode"),
        ({"security_mode": "sign_and_encrypt"}, {"security_mode": "SignAndEncrypt"}, None),
        (SECURE, SECURE | {"security_policy": "None"}, "security_policy"),
        ({}, SECURE, None),
        (PIN, {}, "server_certificate_sha256"),
        (PIN, {"server_certificate_sha256": "ef"}, "server_certificate_sha256"),
        (PIN, {"server_certificate_sha256": "abcd"}, None),
        ({}, PIN, None),
        (TLS, {"endpoint_url": "postgresql://db/plant?sslmode=disable"}, "endpoint_url"),
        (TLS, {"endpoint_url": "postgresql://db/plant"}, "endpoint_url"),
        (TLS, {"endpoint_url": "postgresql://db/other?sslmode=require"}, None),
    ],
)
def test_what_is_weaker_is_named(
    stored: dict[str, object], config: dict[str, object], setting: str | None
) -> None:
    assert weakened(config, stored) == setting
