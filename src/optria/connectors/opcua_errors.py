"""What an asyncua or socket error means, in a person's words and for who tries again."""

from collections.abc import Iterator
from contextlib import contextmanager

from asyncua import ua
from asyncua.common.utils import ServiceError

from optria.core.errors import ConnectorRefused, ConnectorUnavailable

TAKE_UP_AGAIN_S = 1.0
"""How often a link is looked for whose session the server still keeps."""


class LinkLost(ConnectorUnavailable):
    """The network failed, or the server fell silent: it may keep our session for a while."""

    def __init__(self, message: str) -> None:
        super().__init__(message, TAKE_UP_AGAIN_S)


@contextmanager
def spoken(where: str) -> Iterator[None]:
    """Raises ConnectorUnavailable in place of what asyncua and the network raise."""
    try:
        yield
    except (ua.UaError, ServiceError, OSError, TimeoutError) as error:
        raise told(error, where) from error


def told(error: Exception, where: str) -> ConnectorUnavailable:
    """An error of asyncua or of the network as one of ours."""
    said = sentence(error, where)
    if isinstance(error, _USER):
        return ConnectorRefused(said, "sign-in")
    if isinstance(error, _CERTIFICATE):
        return ConnectorRefused(said, "our certificate")
    if isinstance(error, (ua.uaerrors.BadConnectionClosed, OSError, TimeoutError)):
        return LinkLost(said)
    return ConnectorUnavailable(said)


_USER = (
    ua.uaerrors.BadUserAccessDenied,
    ua.uaerrors.BadIdentityTokenRejected,
    ua.uaerrors.BadIdentityTokenInvalid,
)
_CERTIFICATE = (
    ua.uaerrors.BadSecurityChecksFailed,
    ua.uaerrors.BadCertificateUntrusted,
    ua.uaerrors.BadCertificateInvalid,
    ua.uaerrors.BadCertificateTimeInvalid,
    ua.uaerrors.BadCertificateIssuerTimeInvalid,
    ua.uaerrors.BadCertificateUriInvalid,
    ua.uaerrors.BadCertificateUseNotAllowed,
    ua.uaerrors.BadCertificateRevoked,
    ua.uaerrors.BadCertificateHostNameInvalid,
)


def sentence(error: Exception, where: str) -> str:
    """What an asyncua or socket error means, and what to do."""
    if isinstance(error, _USER):
        return f"The OPC UA server at {where} refused the user name or password. Check both."
    if isinstance(error, ua.uaerrors.BadCertificateTimeInvalid):
        return (
            f"The OPC UA server at {where} refuses our certificate as expired or not yet valid. Compare the "
            "clocks, or renew it with `optria opcua certificate --renew` and trust the new one at the server."
        )
    if isinstance(error, _CERTIFICATE):
        return (
            f"The OPC UA server at {where} and this system do not accept each other's certificate "
            f"({type(error).__name__}). Trust the certificate 'OPTRIA IQ' at the server, and check the one "
            "pinned here."
        )
    if isinstance(error, ConnectionRefusedError):
        return f"Nothing listens at {where}. Check host and port, and whether the OPC UA server runs."
    if isinstance(error, TimeoutError):
        return f"The OPC UA server at {where} does not answer. Check address, network and firewall."
    if isinstance(error, OSError):
        return f"The connection to the OPC UA server at {where} failed ({error.strerror or error})."
    if "No matching endpoints" in str(error):
        return (
            f"The OPC UA server at {where} does not offer a connection without security. "
            "Choose the security mode Sign or SignAndEncrypt."
        )
    return f"The OPC UA server at {where} answered {type(error).__name__} ({str(error).rstrip('.')})."
