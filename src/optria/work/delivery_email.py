"""E-mail by SMTP: one connection a letter, certificates checked, never less encryption than was asked for."""

import asyncio
import ssl
from contextlib import suppress
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from optria.core.errors import ConfigurationError
from optria.kit import clock
from optria.kit.settings import Settings
from optria.work.delivery_channels import Letter, NotSent
from optria.work.mail import compose

SEND_S: Final = 45.0
"""Below the lease of a claim: whoever is slower than this has not sent."""
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class EmailChannel:
    """Hands letters to the mail server (RFC 5321); STARTTLS (RFC 3207) is demanded if chosen."""

    def __init__(self, settings: Settings, trust: ssl.SSLContext) -> None:
        self._settings = settings
        self._trust = trust

    async def send(self, letter: Letter) -> None:
        """See :class:`~optria.work.delivery_channels.Channel`."""
        settings = self._settings
        message = compose(letter, settings.smtp_from, settings.public_url or "", clock.now())
        client = self._client()
        try:
            async with asyncio.timeout(SEND_S):
                await client.connect()
                await client.send_message(message, recipients=[letter.address])
                with suppress(SMTPException, OSError):
                    await client.quit()
        except (SMTPException, OSError) as error:
            raise _not_sent(error) from error
        finally:
            client.close()

    def _client(self) -> SMTP:
        settings = self._settings
        password = settings.smtp_password
        return SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            timeout=SEND_S,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=self._trust if settings.smtp_tls != "none" else None,
        )


def open_email(settings: Settings) -> EmailChannel | None:
    """The channel, or None where no mail server is set. Reads certificates: not for the event loop.

    Raises:
        ConfigurationError: no sender address, a password without encryption, or no readable certificates.
    """
    if settings.smtp_host is None:
        return None
    if not settings.smtp_from:
        raise ConfigurationError("Set OPTRIA_SMTP_FROM to the address that e-mails come from.")
    if settings.smtp_user and settings.smtp_tls == "none" and settings.smtp_host not in LOOPBACK:
        raise ConfigurationError(
            "OPTRIA_SMTP_USER would send its password unencrypted. Set OPTRIA_SMTP_TLS to starttls or tls."
        )
    try:
        trust = ssl.create_default_context(cafile=settings.smtp_ca_file)
    except OSError as error:
        raise ConfigurationError(
            f"OPTRIA_SMTP_CA_FILE holds no certificates that can be read ({error})."
        ) from error
    return EmailChannel(settings, trust)


def _not_sent(error: SMTPException | OSError) -> NotSent:
    """A refusal of this person or this message for good is final; everything else may pass."""
    if isinstance(error, SMTPRecipientsRefused):
        error = error.recipients[0]
    if isinstance(error, SMTPResponseException):
        lasting = isinstance(error, SMTPRecipientRefused | SMTPDataError) and 500 <= error.code < 600
        return NotSent(f"The mail server answered {error.code}: {error.message[:500]}", is_final=lasting)
    if isinstance(error, TimeoutError):
        return NotSent("The mail server did not answer in time.")
    return NotSent(f"The mail server could not be used: {str(error)[:500] or type(error).__name__}")
