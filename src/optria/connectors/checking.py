"""A connection's configuration as somebody sends it: unknown settings kept out, the others checked."""

import math
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from optria.connectors.schemas import CONNECTOR_SCHEMAS, Field
from optria.connectors.secrets import is_sealed
from optria.core.errors import Invalid

ALSO: Final = frozenset({"is_demo", "time_zone"})
"""Settings that version 1 stores for every kind."""
LONGEST_TEXT: Final = 4_000
LONGEST_LINE: Final = 500
NOTHING: Final[Mapping[str, object]] = {}
NO_ADDRESS: Final = (
    "The setting 'endpoint_url' is not a valid address. User and password belong into their own settings."
)
SIGN_IN: Final = {"opcua": "username", "pi": "basic", "sql": "basic"}

Config = dict[str, object]


def fields_of(kind: str) -> dict[str, Field]:
    """The settings of a kind by name.

    Raises:
        Invalid: no such kind, with those there are.
    """
    schema = CONNECTOR_SCHEMAS.get(kind)
    if schema is None:
        raise Invalid(
            f"There is no connection of the kind '{kind[:50]}'. Choose one of {', '.join(CONNECTOR_SCHEMAS)}."
        )
    fields = schema["fields"]
    assert isinstance(fields, list)
    return {str(field["name"]): field for field in fields}


def checked(
    kind: str, config: Mapping[str, object], stored: Mapping[str, object] = NOTHING
) -> tuple[Config, list[str]]:
    """The settings that a connection of ``kind`` has, and the names of those it has not.

    Further ones that are ``stored`` already (version 1's own) stay. Numbers written as text
    become numbers; a user and password inside an address move to their own settings.

    Raises:
        Invalid: the first setting that is missing, of another type or out of range.
    """
    fields = fields_of(kind)
    known = {
        name: value for name, value in config.items() if name in fields or name in ALSO or name in stored
    }
    for name, value in known.items():
        if name in fields:
            known[name] = _value(fields[name], value)
        elif value != stored.get(name):
            _refuse_large(name, value)
    known = _with_user_apart(kind, known)
    for name, field in fields.items():
        if field["required"] and known.get(name) in (None, ""):
            raise Invalid(f"The setting '{name}' is missing. {_example(field)}")
    return known, sorted(name for name in config if name not in known)


def _example(field: Field) -> str:
    shown = field.get("placeholder")
    return f"Write it like {shown}." if shown else "Fill it in."


def _value(field: Field, value: object) -> object:
    """The value as stored; None and the empty text are "not given"."""
    if value is None or value == "" or is_sealed(value):
        return value
    kind, name = field["type"], str(field["name"])
    if kind == "number":
        return _number(field, value)
    if kind == "boolean":
        if not isinstance(value, bool):
            raise Invalid(f"The setting '{name}' must be true or false.")
        return value
    longest = LONGEST_TEXT if kind == "textarea" else LONGEST_LINE
    if not isinstance(value, str) or len(value) > longest or "\x00" in value or not _is_text(value):
        raise Invalid(f"The setting '{name}' must be a text of at most {longest} characters.")
    options = field.get("options")
    if isinstance(options, list) and value not in options:
        raise Invalid(f"The setting '{name}' must be one of {', '.join(options)}.")
    return value


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _number(field: Field, value: object) -> float | int:
    low, high = field["min"], field["max"]
    assert isinstance(low, int)
    assert isinstance(high, int)
    try:
        number = (
            float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else None
        )
    except (ValueError, OverflowError):
        number = None
    if number is None or not math.isfinite(number) or not low <= number <= high:
        raise Invalid(f"The setting '{field['name']}' must be a number from {low} to {high}.")
    return int(number) if number.is_integer() else number


def _refuse_large(name: str, value: object) -> None:
    """Settings of version 1 that mean nothing here are kept, as long as they are plain."""
    plain = value is None or isinstance(value, (bool, int, float, str))
    if not plain or (isinstance(value, str) and (len(value) > LONGEST_LINE or not _is_text(value))):
        raise Invalid(f"The setting '{name[:50]}' must be a short text, a number, or true or false.")


def _with_user_apart(kind: str, config: Config) -> Config:
    """User and password out of the address, where they would be shown, into their own settings."""
    address = config.get("endpoint_url")
    if not isinstance(address, str) or "@" not in address:
        return config
    try:
        parts = urlsplit(address.strip())
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
    except ValueError:
        raise Invalid(NO_ADDRESS) from None
    if "@" not in parts.netloc:
        if parts.netloc:  # a password with a / in it is taken apart otherwise by each driver
            raise Invalid(NO_ADDRESS)
        return config
    if config.get("username") not in (None, "", user) or (password and config.get("password")):
        raise Invalid(
            "User and password are in the address and in settings of their own. "
            "Give them once, outside the address."
        )
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    apart: Config = {"endpoint_url": bare, "username": user, "auth_type": SIGN_IN[kind]}
    return {**config, **apart, **({"password": password} if password else {})}
