"""What is said about a value that cannot be taken, without the words of the library that checks values."""

from typing import Final

_PREFIX: Final = "Value error, "
"""Pydantic puts it before the message of a ValueError that a check of ours raised."""


def plain(message: str) -> str:
    """The message of one of Pydantic's errors as we wrote it."""
    return message.removeprefix(_PREFIX)
