"""What a channel is: it takes a letter out of the product, or says why not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from optria.core.errors import OptriaError


class NotSent(OptriaError):
    """A message was not accepted; ``str(error)`` says why, without secrets.

    ``is_final``: another try would be refused too. ``retry_after_s``: what the receiver asked for.
    """

    def __init__(self, why: str, *, is_final: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(why)
        self.is_final = is_final
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Item:
    """One notification in a letter; ``path`` is that of its page."""

    title: str
    title_ar: str
    body: str
    body_ar: str
    severity: str
    path: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """What one person is told at once. ``key`` is the same at every try.

    ``items`` are the gravest and newest of ``total``; ``suppressed`` of them were held back by a flood.
    Times of ``items`` are in the person's zone.
    """

    key: UUID
    address: str
    name: str
    items: tuple[Item, ...]
    total: int
    suppressed: int = 0

    @property
    def is_digest(self) -> bool:
        return self.total > 1


class Channel(Protocol):
    """A way out to one person: e-mail is :class:`optria.work.delivery_email.EmailChannel`.

    THE SEAM FOR SMS: a class with this method, put into ``CHANNELS`` as ``sms`` where
    :func:`optria.work.delivery_sender.open_sender` puts e-mail. ``Letter.address`` is the person's e-mail
    address; a telephone number would be one more field of it and a column of the person.
    """

    async def send(self, letter: Letter) -> None:
        """Hand it to the next server, which answers for it from then on. May be called again.

        Raises:
            NotSent: it was not accepted.
        """
        ...


CHANNELS: dict[str, Channel] = {}
"""Name to sender, filled at start with what the installation has set up; without e-mail server: empty."""

KNOWN_CHANNELS = ("email", "sms")
"""What a person or tenant can ask for, whether a sender is installed or not."""


def missing(channel: str) -> str | None:
    """Why nothing goes out by ``channel``, as a sentence; None when a sender is installed."""
    if channel in CHANNELS:
        return None
    if channel == "email":
        return "No e-mail is sent: this installation has no mail server (OPTRIA_SMTP_HOST)."
    return f"Nothing is sent by '{channel}': no sender for it is installed."
