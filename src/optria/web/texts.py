"""Text from outside, made fit to store: PostgreSQL takes neither NUL nor half a surrogate pair."""

from typing import Annotated

from pydantic import AfterValidator


def clean(text: str) -> str:
    """``text`` without NUL characters and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


Text = Annotated[str, AfterValidator(clean)]
