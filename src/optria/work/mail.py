"""A letter as an e-mail: text and HTML from the templates, headers that nobody can write into."""

import unicodedata
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from optria.core.errors import ConfigurationError
from optria.work.delivery_channels import Letter, NotSent

LONGEST_SUBJECT: Final = 180
_HERE: Final = Path(__file__).parent


def compose(letter: Letter, sender: str, public_url: str, now: datetime) -> EmailMessage:
    """The message; a repeat of the same letter has the same Message-ID and ``X-Optria-Delivery``.

    Args:
        sender: address or ``Name <address>``.
        public_url: what the pages' paths are put behind; empty: the mail has no links.

    Raises:
        NotSent: the person's address is none.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["To"] = Address(one_line(letter.name), addr_spec=letter.address)
    except (MessageError, ValueError, IndexError) as error:
        raise NotSent(f"'{letter.address}' is not an e-mail address.", is_final=True) from error
    message["From"] = sender
    message["Subject"] = subject(letter)
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{letter.key}@{message['From'].addresses[0].domain}>"
    message["X-Optria-Delivery"] = str(letter.key)
    message["Auto-Submitted"] = "auto-generated"
    context = {"letter": letter, "url": public_url.rstrip("/"), "rest": letter.total - len(letter.items)}
    message.set_content(_render("notification.txt", context))
    message.add_alternative(_render("notification.html", context), subtype="html")
    return message


def subject(letter: Letter) -> str:
    """One line, whatever is in a title."""
    first = letter.items[0]
    if letter.is_digest:
        return f"[{first.severity}] {letter.total} notifications of OPTRIA IQ"
    return one_line(f"[{first.severity}] {first.title}")


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, short enough for a header."""
    printable = "".join(" " if unicodedata.category(c) in {"Cc", "Zl", "Zp"} else c for c in text)
    return " ".join(printable.split())[:LONGEST_SUBJECT]


def _render(template: str, context: dict[str, object]) -> str:
    return environment().get_template(template).render(context)


@cache
def environment() -> Environment:
    """Escapes in HTML, strict about missing names."""
    return Environment(
        loader=FileSystemLoader(_templates()),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _templates() -> Path:
    """Packed beside the code in a wheel, at the top of a checkout."""
    for folder in (_HERE.parent / "_templates" / "mail", _HERE.parents[2] / "templates" / "mail"):
        if folder.is_dir():
            return folder
    raise ConfigurationError("The templates of e-mails are missing: install optria again.")
