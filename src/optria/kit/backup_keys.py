"""The keys of an installation's secrets in a backup, under a passphrase (scrypt, RFC 7914; AES-256-GCM)."""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from optria.core.errors import ConfigurationError
from optria.kit import private_file
from optria.kit.secrets import FILE, read_keys, sealer_of
from optria.kit.settings import Settings

COST: Final = {"n": 2**15, "r": 8, "p": 1}
SHORTEST: Final = 12
CONTEXT: Final = b"optria backup keys"


def sealed_keys(settings: Settings, passphrase: str) -> dict[str, object]:
    """Every key of the installation, for a backup.

    Raises:
        ConfigurationError: the passphrase is short, or the keys cannot be read.
    """
    if len(passphrase) < SHORTEST:
        raise ConfigurationError(f"The passphrase needs at least {SHORTEST} characters.")
    salt, nonce = os.urandom(16), os.urandom(12)
    sealed = AESGCM(_key(passphrase, salt)).encrypt(nonce, _all_keys(settings).encode(), CONTEXT)
    return {"kdf": "scrypt", **COST, "salt": _text(salt), "nonce": _text(nonce), "sealed": _text(sealed)}


def opened_keys(sealed: Mapping[str, object], passphrase: str) -> str:
    """The keys as ``id:base64`` lines.

    Raises:
        ConfigurationError: another passphrase, or altered.
    """
    try:
        salt, nonce, text = (base64.b64decode(str(sealed[name])) for name in ("salt", "nonce", "sealed"))
        return AESGCM(_key(passphrase, salt)).decrypt(nonce, text, CONTEXT).decode()
    except (InvalidTag, KeyError, ValueError, binascii.Error):
        raise ConfigurationError("The passphrase is not the one that the keys were backed up with.") from None


def take_keys(settings: Settings, lines: str) -> int:
    """Put the keys that are missing behind those of the key file; how many.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    brought = read_keys(lines, "The backup")
    path = settings.home_folder / FILE
    known = read_keys(path.read_text("utf-8"), str(path)) if path.exists() else {}
    missing = {key_id: key for key_id, key in brought.items() if key_id not in known}
    if missing:
        _write(path, {**known, **missing})
    return len(missing)


def _all_keys(settings: Settings) -> str:
    sealer_of(settings)
    given = settings.secret_keys.get_secret_value() if settings.secret_keys else ""
    keys = read_keys(given, "OPTRIA_SECRET_KEYS")
    path = settings.home_folder / FILE
    stored = read_keys(path.read_text("utf-8"), str(path)) if path.exists() else {}
    return _lines({**stored, **keys} if not keys else {**keys, **stored})


def _write(path: Path, keys: Mapping[str, bytes]) -> None:
    try:
        private_file.replace(path, _lines(keys).encode())
    except OSError as error:
        raise ConfigurationError(f"The keys cannot be written to {path} ({error.strerror}).") from error


def _lines(keys: Mapping[str, bytes]) -> str:
    return "".join(f"{key_id}:{_text(key)}\n" for key_id, key in keys.items())


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **COST).derive(passphrase.encode())


def _text(some: bytes) -> str:
    return base64.b64encode(some).decode()
