"""The secrets of a connection's configuration: which they are, sealed for storage, opened for use, hidden.

A sealed value is ``{"$secret": "v1:…"}`` (with ``"json": true`` where it is no text) and belongs to one
tenant, one connection and one setting. Version 1 stored plain text: it is used as it is, and sealed at the
next write or by ``optria secrets rotate``.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from optria.connectors.schemas import CONNECTOR_SCHEMAS
from optria.core.errors import ConfigurationError, Invalid
from optria.kit.secrets import Sealer, key_id_of

MARK: Final = "$secret"
HIDDEN: Final = "********"
PLAIN: Final = "plain text"
SECRET_NAME: Final = re.compile(
    r"pass|pwd|secret|token|credential|private|(api|access|account)_?key|conn(ection)?_?str|dsn",
    re.IGNORECASE,
)
PASSWORD_IN_URL: Final = re.compile(r"(://[^:/@\s]*):\S*@")
PASSWORD_IN_TEXT: Final = re.compile(
    r"""\b((?:password|passwd|pwd|secret|token|(?:api|access|account)_?key)\s*=\s*)("[^"]*"|'[^']*'|[^;&]+)""",
    re.IGNORECASE,
)
"""As ``Server=x;Password=y`` of ODBC and ADO, and ``?password=y`` of an address."""

Config = dict[str, object]
Write = Callable[[str, object], object]
"""From the path of a secret setting and its value to what stands in its place."""


def is_secret(name: str) -> bool:
    """Whether a setting's value is a secret, by its schema or by its name."""
    return name in _BY_SCHEMA or bool(SECRET_NAME.search(name))


_BY_SCHEMA: Final = frozenset(
    str(field["name"])
    for schema in CONNECTOR_SCHEMAS.values()
    for field in schema["fields"]  # type: ignore[attr-defined]
    if field["type"] == "password"
)


def is_sealed(value: object) -> bool:
    return isinstance(value, Mapping) and MARK in value


@dataclass(frozen=True, slots=True)
class Vault:
    """Seals and opens the secrets of one connection."""

    sealer: Sealer
    tenant_id: int
    integration_id: int

    def seal(self, config: Mapping[str, object]) -> Config:
        """Every plain secret sealed; those sealed already stay as they are."""
        return _rewritten(config, self._seal)

    def open(self, config: Mapping[str, object]) -> Config:
        """Every secret in plain text, for the connector alone.

        Raises:
            ConfigurationError: one of them does not open; names the setting.
        """
        return _rewritten(config, self._open)

    def renew(self, config: Mapping[str, object]) -> Config:
        """Every secret sealed with the first key; the ones that are so already stay. Raises as ``open``."""
        return _rewritten(config, self._renew)

    def _seal(self, path: str, value: object) -> object:
        if is_sealed(value):
            return value
        text = value if isinstance(value, str) else json.dumps(value)
        sealed: Config = {MARK: self.sealer.seal(text, self.tenant_id, self.integration_id, path)}
        return sealed if isinstance(value, str) else {**sealed, "json": True}

    def _open(self, path: str, value: object) -> object:
        if not isinstance(value, Mapping) or MARK not in value:
            return value
        try:
            text = self.sealer.open(str(value[MARK]), self.tenant_id, self.integration_id, path)
        except ConfigurationError as error:
            raise ConfigurationError(f"The setting '{path}' of the connection: {error}") from None
        return json.loads(text) if value.get("json") else text

    def _renew(self, path: str, value: object) -> object:
        if isinstance(value, Mapping) and MARK in value and key_id_of(str(value[MARK])) == self.sealer.key_id:
            return value
        return self._seal(path, self._open(path, value))


def redacted(config: Mapping[str, object]) -> Config:
    """A configuration without passwords, tokens and keys, also inside addresses and nested objects."""
    return {name: _shown(value) for name, value in _rewritten(config, lambda _path, _value: HIDDEN).items()}


def _shown(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _shown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_shown(each) for each in value]
    if not isinstance(value, str):
        return value
    return PASSWORD_IN_TEXT.sub(rf"\1{HIDDEN}", PASSWORD_IN_URL.sub(rf"\1:{HIDDEN}@", value))


def with_stored(sent: Mapping[str, object], stored: Mapping[str, object]) -> Config:
    """What was sent, with the stored value wherever the mask came back.

    Raises:
        Invalid: the mask for a secret that is not stored, in a text that was changed, or a sealed value from
            outside.
    """
    for name, value in sent.items():
        if is_sealed(value):
            raise Invalid(f"The setting '{name[:50]}' must be a text.")
        if is_secret(name) and value == HIDDEN and stored.get(name) in (None, ""):
            raise Invalid(f"The setting '{name[:50]}' is not stored yet. Enter it.")
        is_new = value not in (HIDDEN, stored.get(name)) and not _came_back(name, value, stored)
        if is_new and HIDDEN in str(value):
            raise Invalid(f"A secret in the setting '{name[:50]}' is masked. Enter the setting as a whole.")
    return {
        name: stored[name] if keeps(name, value) or _came_back(name, value, stored) else value
        for name, value in sent.items()
    }


def _came_back(name: str, value: object, stored: Mapping[str, object]) -> bool:
    """Whether a value is the stored one as it was shown, masked."""
    return name in stored and value != stored[name] and value == redacted({name: stored[name]})[name]


def keeps(name: str, value: object) -> bool:
    """Whether a sent value asks to keep the stored secret."""
    return is_secret(name) and value == HIDDEN


def count_keys(config: Mapping[str, object]) -> Counter[str]:
    """How many secrets by the key that sealed them; ``PLAIN`` for those that are not sealed."""
    found: Counter[str] = Counter()

    def note(_path: str, value: object) -> object:
        found[key_id_of(str(value[MARK])) if isinstance(value, Mapping) and MARK in value else PLAIN] += 1
        return value

    _rewritten(config, note)
    return found


def _rewritten(config: Mapping[str, object], write: Write, path: str = "") -> Config:
    return {name: _rewrite(name, value, write, f"{path}{name}") for name, value in config.items()}


def _rewrite(name: str, value: object, write: Write, path: str) -> object:
    if is_sealed(value) or (is_secret(name) and value not in (None, "")):
        return write(path, value)
    if isinstance(value, Mapping):
        return _rewritten(value, write, f"{path}.")
    if isinstance(value, list):
        return [_rewrite(name, each, write, f"{path}.{n}") for n, each in enumerate(value)]
    return value
