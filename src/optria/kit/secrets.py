"""Secrets at rest: AES-256-GCM, bound to the place they belong to, with keys that can be rotated.

A sealed text is ``v1:<key id>:<nonce, base64>:<ciphertext and tag, base64>``. The context (such as tenant,
connector and field) is authenticated and not stored: a ciphertext moved elsewhere does not open
(NIST SP 800-38D).
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from optria.core.errors import ConfigurationError
from optria.kit.settings import Settings

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
FILE = "secret_keys"
KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class Sealer:
    """Seals with the first of its keys and opens with any."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self.key_id = next(iter(keys))

    @property
    def key_ids(self) -> tuple[str, ...]:
        """In the order given; the first one seals."""
        return tuple(self._ciphers)

    def seal(self, text: str, *context: object) -> str:
        """``text`` for storage at the place that ``context`` names."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._ciphers[self.key_id].encrypt(nonce, text.encode(), bound(context))
        return ":".join((VERSION, self.key_id, _text(nonce), _text(sealed)))

    def open(self, sealed: str, *context: object) -> str:
        """What was sealed for this very place.

        Raises:
            ConfigurationError: another place, a key that is not there any more, or altered.
        """
        key_id, nonce, ciphertext = _parts(sealed)
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise ConfigurationError(
                f"A stored secret was encrypted with the key '{key_id}', which is not among the keys of this "
                "installation. Add that key to OPTRIA_SECRET_KEYS, or enter the secret again."
            )
        try:
            return cipher.decrypt(nonce, ciphertext, bound(context)).decode()
        except (InvalidTag, ValueError):
            raise ConfigurationError(
                "A stored secret cannot be decrypted: it was altered or belongs to another place. "
                "Enter it again."
            ) from None


def key_id_of(sealed: str) -> str:
    """The key that a sealed text was sealed with. Raises ConfigurationError when it is none."""
    return _parts(sealed)[0]


def bound(context: tuple[object, ...]) -> bytes:
    """``tenant|connector|field`` as associated data; no part can pretend to be two."""
    return "|".join(quote(str(part), safe="") for part in context).encode()


def _parts(sealed: str) -> tuple[str, bytes, bytes]:
    try:
        version, key_id, nonce, ciphertext = sealed.split(":")
        if version == VERSION:
            return key_id, base64.b64decode(nonce, validate=True), base64.b64decode(ciphertext, validate=True)
    except ValueError:
        pass
    raise ConfigurationError("A stored secret is not readable: it was altered. Enter it again.")


def _text(some: bytes) -> str:
    return base64.b64encode(some).decode()


class Signer:
    """Vouches for stored content that need not be secret: HMAC-SHA256 with a key of its own per purpose.

    The keys are derived from the installation's (HKDF, RFC 5869). A signature is ``v1:<key id>:<base64>``.
    """

    def __init__(self, keys: Mapping[str, bytes], purpose: str) -> None:
        self._keys = {key_id: _derived(key, purpose) for key_id, key in keys.items()}
        self._key_id = next(iter(keys))

    def sign(self, content: str, *context: object) -> str:
        """The signature of ``content`` at the place that ``context`` names."""
        return self._signed(self._key_id, content, context)

    def vouches(self, signature: str | None, content: str, *context: object) -> bool:
        """Whether this very content was signed for this very place with one of the keys."""
        key_id = (signature or "").partition(":")[2].partition(":")[0]
        if signature is None or key_id not in self._keys:
            return False
        return hmac.compare_digest(signature.encode(), self._signed(key_id, content, context).encode())

    def _signed(self, key_id: str, content: str, context: tuple[object, ...]) -> str:
        mark = hmac.new(self._keys[key_id], bound(context) + b"\n" + content.encode(), hashlib.sha256)
        return ":".join((VERSION, key_id, _text(mark.digest())))


def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=f"optria {purpose}".encode()).derive(key)


def signer_of(settings: Settings, purpose: str) -> Signer:
    """As :func:`sealer_of`, for what is signed. Reads files: not for the event loop."""
    return Signer(keys_of(settings), purpose)


def sealer_of(settings: Settings) -> Sealer:
    """What seals with the installation's keys. Reads files: not for the event loop."""
    return Sealer(keys_of(settings))


def keys_of(settings: Settings) -> dict[str, bytes]:
    """The installation's keys: ``OPTRIA_SECRET_KEYS`` first, then the key file of its data folder.

    The file is made (mode 0600) at first use when nothing is set. Reads files: not for the event loop.

    Raises:
        ConfigurationError: a key that is none, or a file that cannot be read or written.
    """
    given = settings.secret_keys.get_secret_value() if settings.secret_keys else ""
    keys = read_keys(given, "OPTRIA_SECRET_KEYS")
    path = settings.home_folder / FILE
    try:
        stored = read_keys(_stored(path), str(path)) if path.exists() or not keys else {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The keys in {path} cannot be used ({error}). Run as the user who made that file, or set "
            "OPTRIA_SECRET_KEYS."
        ) from error
    if not keys and not stored:
        raise ConfigurationError(f"There is no key in {path}. Remove the empty file to have one made.")
    return {**keys, **{name: key for name, key in stored.items() if name not in keys}}


def read_keys(text: str, where: str) -> dict[str, bytes]:
    """``id:base64,id:base64`` as keys in that order.

    Raises:
        ConfigurationError: names the entry, never the key.
    """
    keys: dict[str, bytes] = {}
    for number, entry in enumerate(filter(None, (part.strip() for part in re.split(r"[,\n]", text))), 1):
        key_id, _, encoded = entry.partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not KEY_ID.fullmatch(key_id) or len(key) != KEY_BYTES or key_id in keys:
            raise ConfigurationError(
                f"Entry {number} of {where} is not a key. Write id:base64 with an id of its own and "
                f"{KEY_BYTES} random bytes, such as `openssl rand -base64 {KEY_BYTES}` prints."
            )
        keys[key_id] = key
    return keys


def _stored(path: Path) -> str:
    """The key file's text, made by whoever of several processes comes first."""
    if not path.exists():
        _make(path)
    return path.read_text("utf-8")


def _make(path: Path) -> None:
    """A link appears whole or not at all, and never in place of what another process made."""
    fresh = path.with_name(f".{path.name}.{token_hex(8)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{token_hex(4)}:{_text(os.urandom(KEY_BYTES))}\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()
