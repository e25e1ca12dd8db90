"""Requests to a PI Web API, and what its refusals mean."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from urllib.parse import quote, urlencode

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidStatus, WebSocketException

from optria.connectors.addresses import plant_url
from optria.connectors.allowed_hosts import Reach
from optria.connectors.checked_transport import CheckedTransport
from optria.connectors.config import SourceConfig
from optria.connectors.pi_answers import LARGEST_ANSWER, TooLarge, decode, read_answer, retry_after_s
from optria.connectors.pi_values import items_of
from optria.core.errors import ConnectorUnavailable
from optria.kit import clock

LONGEST_QUERY = 1900
"""IIS, which PI Web API runs in, refuses query strings over 2,048 characters by default."""
POINTS_PER_BATCH = 100
LARGEST_MESSAGE = 8 * 1024 * 1024
PING_S, PONG_S = 1.0, 2.0
EXAMPLE = "https://server/piwebapi"


class PiConfig(SourceConfig):
    """``data_server`` is the PI Data Archive's name; empty takes the first one."""

    data_server: str = ""
    verify_tls: bool = True
    use_channel: bool = True
    request_timeout_s: float = 8.0


class RequestRefused(ConnectorUnavailable):
    """The server answers, and refuses what was asked for (HTTP 4xx but sign-in, rights and haste)."""


class ChannelRefused(Exception):
    """The server does not open channels; polling does the same more slowly."""


class _Connect(connect):
    """A handshake that is not sent on to another address."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        return exc


class PiClient:
    """One session of requests; use :func:`pi_client`."""

    def __init__(
        self, config: PiConfig, http: httpx.AsyncClient, transport: CheckedTransport, tls: ssl.SSLContext
    ) -> None:
        self._config, self._http, self._transport, self._tls = config, http, transport, tls
        self.base = config.endpoint_url.rstrip("/")

    async def get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> object:
        """The decoded answer. Raises ConnectorUnavailable."""
        return await self._send("GET", f"{path}?{urlencode(query)}" if query else path)

    async def _send(self, method: str, path: str, body: object = None) -> object:
        url, timeout_s = f"{self.base}/{path}", self._config.request_timeout_s
        try:
            answer, content = await read_answer(self._http, method, url, body, timeout_s)
        except TooLarge:
            raise ConnectorUnavailable(
                f"{self.base} answered with more than {LARGEST_ANSWER // 2**20} MB, which is no PI Web API "
                "data. Check the address, and what stands between."
            ) from None
        except (httpx.TimeoutException, TimeoutError):
            raise ConnectorUnavailable(
                f"The PI Web API at {self.base} did not answer "
                f"within {self._config.request_timeout_s:.0f} s. "
                "Check the address, the network and the server's load."
            ) from None
        except httpx.HTTPError as error:
            raise ConnectorUnavailable(_unreachable(self.base, error)) from error
        if answer.status_code in (400, 404, 405, 409, 410, 422, 501):
            raise RequestRefused(refusal(answer.status_code, self.base))
        if not answer.is_success:
            raise _refused(answer, self.base)
        try:
            return decode(content)
        except ValueError as error:
            raise ConnectorUnavailable(
                f"{self.base} answered something that is no PI Web API data, or only a part of it "
                f"({_kind(answer)}; {error}). Check the address, and what stands between."
            ) from error

    async def server(self) -> Mapping[str, object]:
        """The data server configured, or the first. Raises ConnectorUnavailable."""
        servers = items_of(await self.get("dataservers"))
        wanted = self._config.data_server.lower()
        for server in servers:
            if not wanted or str(server.get("Name", "")).lower() == wanted:
                return server
        names = ", ".join(str(server.get("Name")) for server in servers) or "none"
        raise ConnectorUnavailable(
            f"The PI Web API at {self.base} has no data server '{self._config.data_server}'. It has: {names}."
        )

    async def clock_ahead_s(self) -> float | None:
        """How far the data server's clock is ahead of ours; None where it does not tell its time.

        Right to half of the time that the answer takes. Raises ConnectorUnavailable.
        """
        asked = clock.now()
        text = (await self.server()).get("ServerTime")
        middle = asked + (clock.now() - asked) / 2
        try:
            told = datetime.fromisoformat(text) if isinstance(text, str) else None
        except ValueError:
            return None
        return (told - middle).total_seconds() if told is not None and told.tzinfo else None

    async def web_ids(self, names: Sequence[str]) -> dict[str, str]:
        """WebIds of the points that exist, by name, asked in batches."""
        if not names:
            return {}
        server = str((await self.server()).get("Name"))
        found: dict[str, str] = {}
        for start in range(0, len(names), POINTS_PER_BATCH):
            found |= await self._web_ids(server, names[start : start + POINTS_PER_BATCH])
        return found

    async def _web_ids(self, server: str, names: Sequence[str]) -> dict[str, str]:
        paths = [quote(f"\\\\{server}\\{name}") for name in names]
        asked = {
            str(n): {"Method": "GET", "Resource": f"{self.base}/points?path={path}"}
            for n, path in enumerate(paths)
        }
        answers = await self._send("POST", "batch", asked)
        found = {}
        for n, name in enumerate(names):
            answer = answers.get(str(n)) if isinstance(answers, dict) else None
            content = answer.get("Content") if isinstance(answer, dict) else None
            if isinstance(content, dict) and isinstance(content.get("WebId"), str):
                found[name] = content["WebId"]
        return found

    @asynccontextmanager
    async def channel(self, web_ids: Sequence[str]) -> AsyncIterator[ClientConnection]:
        """A stream set channel. Its end is noticed within three seconds by unanswered pings.

        Raises:
            ChannelRefused: the server does not open one.
            ConnectorUnavailable: not reached, or signed off.
        """
        query = urlencode([*(("webId", one) for one in web_ids), ("includeInitialValues", "true")])
        url = f"ws{self.base.removeprefix('http')}/streamsets/channel?{query}"
        try:
            socket = await _Connect(
                url,
                additional_headers=_authorization(self._config),
                ssl=self._tls if url.startswith("wss:") else None,
                open_timeout=self._config.request_timeout_s,
                close_timeout=0.5,
                ping_interval=PING_S,
                ping_timeout=PONG_S,
                max_size=LARGEST_MESSAGE,
                proxy=None,
                host=self._transport.address,
                port=host_and_port(self._config)[1],
            )
        except InvalidStatus as error:
            if error.response.status_code == 401:
                raise ConnectorUnavailable(refusal(401, self.base)) from None
            raise ChannelRefused from error
        except InvalidHandshake as error:
            raise ChannelRefused from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise ConnectorUnavailable(
                f"The channel to {self.base} could not be opened ({error})."
            ) from error
        async with socket:
            yield socket


def host_and_port(config: PiConfig) -> tuple[str, int]:
    """Where the server is. Raises ConnectorUnavailable for an address of another kind."""
    parts = plant_url(config.endpoint_url, ("https", "http"), EXAMPLE)
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


@asynccontextmanager
async def pi_client(config: PiConfig, reach: Reach) -> AsyncIterator[PiClient]:
    """A client for the block; redirects are not followed and no proxy of the environment is used.

    Raises:
        ConnectorUnavailable: the address is not allowed or not known.
    """
    addresses = await reach.check(*host_and_port(config))
    tls = await asyncio.to_thread(_tls, config)  # reads the authorities of the machine: 0.1 s
    transport = CheckedTransport(addresses, tls)
    async with httpx.AsyncClient(
        headers={**_authorization(config), "X-Requested-With": "OPTRIA"},
        timeout=config.request_timeout_s,
        transport=transport,
        follow_redirects=False,
        trust_env=False,
    ) as http:
        yield PiClient(config, http, transport, tls)


def _authorization(config: PiConfig) -> dict[str, str]:
    if config.user is None:
        return {}
    secret = f"{config.user}:{config.password.get_secret_value()}".encode()
    return {"Authorization": "Basic " + base64.b64encode(secret).decode()}


def _tls(config: PiConfig) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not config.verify_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def refusal(status: int, base: str) -> str:
    """What an HTTP status means, and what to do."""
    if status == 401:
        return f"The PI Web API at {base} refused the user name or password. Check both."
    if status == 403:
        return f"The PI Web API at {base} does not let this user read. Ask its administrator for read access."
    if status == 404:
        return f"There is no PI Web API at {base} (404). The address usually ends in /piwebapi."
    if status == 429:
        return f"The PI Web API at {base} asks to slow down (429). Raise the sampling interval."
    if 300 <= status < 400:
        return f"{base} redirects to another address ({status}). Enter the address it redirects to."
    if status >= 500:
        return f"The PI Web API at {base} has a fault of its own ({status}). Look into its event log."
    return f"The PI Web API at {base} refused the request ({status})."


def _refused(answer: httpx.Response, base: str) -> ConnectorUnavailable:
    """With the wait that the server asks for; a fifth more, as tries are spread over ± 20 %."""
    said, wait_s = refusal(answer.status_code, base), retry_after_s(answer.headers.get("Retry-After"))
    if wait_s is None or answer.status_code not in (429, 503):
        return ConnectorUnavailable(said)
    return ConnectorUnavailable(f"{said} It asks for {wait_s:.0f} s of rest.", 1.25 * wait_s)


def _kind(answer: httpx.Response) -> str:
    """What the answer says that it is, shortened."""
    return str(answer.headers.get("Content-Type", "no content type"))[:60]


def _unreachable(base: str, error: httpx.HTTPError) -> str:
    said = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return (
            f"The TLS certificate of {base} is not trusted by this machine. Install its authority here, "
            "or switch verification off for this connection."
        )
    if isinstance(error, httpx.ConnectError):
        return f"Nothing answers at {base}. Check host and port, and whether PI Web API runs."
    return f"The connection to {base} broke ({said or type(error).__name__})."


def short_queries(web_ids: Sequence[str], most: int = 10_000) -> Iterator[list[str]]:
    """Groups of at most ``most`` WebIds whose query string stays under IIS's limit."""
    group: list[str] = []
    length = 0
    for one in web_ids:
        cost = len(one) + len("&webId=")
        if group and (length + cost > LONGEST_QUERY or len(group) >= most):
            yield group
            group, length = [], 0
        group.append(one)
        length += cost
    if group:
        yield group
