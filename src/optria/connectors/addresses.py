"""The address of a plant source, taken apart."""

from urllib.parse import SplitResult, urlsplit

from optria.core.errors import ConnectorUnavailable


def plant_url(url: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The parts of ``url`` with a host, in one of ``schemes``.

    Raises:
        ConnectorUnavailable: otherwise, with ``example`` as the way to write it.
    """
    try:
        parts = urlsplit(url.strip())
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ConnectorUnavailable(
            f"'{without_user(url)}' is not a valid address. Write it like {example}."
        ) from None
    if parts.scheme not in schemes or not host:
        raise ConnectorUnavailable(
            f"'{without_user(url)}' is not an address of this kind of source. Write it like {example}."
        )
    return parts


def without_user(url: str) -> str:
    """An address as it may be shown: what stands before an @ may be a password."""
    return url.rpartition("@")[2]
