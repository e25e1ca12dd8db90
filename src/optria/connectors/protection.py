"""Whether a connection with new settings protects what it sends less than with the stored ones."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

MODES: Final = ("none", "sign", "signandencrypt")
OF_ADDRESS: Final = frozenset({"ssl", "sslmode", "encrypt", "trustservercertificate"})
"""Parameters of a database's address by which it is encrypted and known."""

Config = Mapping[str, object]


def weakened(config: Config, stored: Config) -> str | None:
    """The first setting that is weaker than the stored one; None when none is.

    A pinned certificate, and how an address is encrypted, may not differ: which is weaker cannot be told.
    """
    weaker = {
        "verify_tls": config.get("verify_tls") is False and stored.get("verify_tls") is not False,
        "trust_any_server": config.get("trust_any_server") is True
        and stored.get("trust_any_server") is not True,
        "security_mode": _mode(config) < _mode(stored),
        "security_policy": _word(config, "security_policy") in {"", "none"}
        and _word(stored, "security_policy") not in {"", "none"},
        "server_certificate_sha256": bool(_pin(stored)) and _pin(config) != _pin(stored),
        "endpoint_url": _encryption(config) != _encryption(stored),
    }
    return next((name for name, is_weaker in weaker.items() if is_weaker), None)


def _mode(config: Config) -> int:
    mode = _word(config, "security_mode").replace("_", "").replace(" ", "")
    return MODES.index(mode) if mode in MODES else 0


def _pin(config: Config) -> str:
    return _word(config, "server_certificate_sha256").replace(":", "").replace(" ", "")


def _word(config: Config, name: str) -> str:
    return str(config.get(name) or "").lower()


def _encryption(config: Config) -> dict[str, str]:
    try:
        query = urlsplit(str(config.get("endpoint_url") or "")).query
    except ValueError:
        return {}
    return {name.lower(): value for name, value in parse_qsl(query) if name.lower() in OF_ADDRESS}
