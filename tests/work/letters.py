"""A letter, and the settings and certificates of a mail server on this machine."""

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from optria.kit.certificates import own_certificate
from optria.kit.settings import Settings
from optria.work.delivery_channels import Item, Letter
from optria.work.delivery_email import EmailChannel, open_email

KEY = UUID("6d2f1c1e-96a0-5c1a-8f5e-1f0a4a1f7b10")


def item(**values: Any) -> Item:
    defaults: dict[str, Any] = {
        "title": "WO-2026-0001: Bearing Fault detected on Pump P-102B",
        "title_ar": "تم اكتشاف عطل في المحمل في مضخة P-102B",
        "body": "At 09:13 the vibration of P-102B left its range.",
        "body_ar": "في الساعة 09:13 خرج الاهتزاز عن نطاقه.",
        "severity": "MAJOR",
        "path": "/work-orders?id=7",
        "at": datetime(2026, 11, 22, 9, 13, tzinfo=UTC),
    }
    return Item(**defaults | values)


def letter(*items: Item, **values: Any) -> Letter:
    defaults: dict[str, Any] = {
        "key": KEY,
        "address": "engineer@example.com",
        "name": "Sara Al-Qahtani",
        "items": items or (item(),),
        "total": len(items) or 1,
    }
    return Letter(**defaults | values)


def settings(smtp_port: int, /, **values: Any) -> Settings:
    defaults: dict[str, Any] = {
        "smtp_host": "127.0.0.1",
        "smtp_port": smtp_port,
        "smtp_tls": "none",
        "smtp_from": "OPTRIA IQ <optria@plant.example>",
        "public_url": "https://plant.example/",
    }
    return Settings.model_validate(defaults | values)


def channel(port: int, **values: Any) -> EmailChannel:
    opened = open_email(settings(port, **values))
    assert opened is not None
    return opened


def certificate(folder: Path, *hosts: str) -> tuple[Path, ssl.SSLContext]:
    """A file that vouches for a server at ``hosts``, and the server's side of it."""
    path = folder / "server.pem"
    own_certificate(path, "A server of the tests", "urn:optria:tests", hosts)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return path, server
