"""HTTP to the very addresses of a host that were checked."""

import ssl
from collections.abc import Sequence

import httpx


class CheckedTransport(httpx.AsyncHTTPTransport):
    """Calls one of the addresses that were checked, whatever the host name leads to a moment later.

    ``address`` is the one that answered last.
    """

    def __init__(self, addresses: Sequence[str], verify: ssl.SSLContext) -> None:
        super().__init__(verify=verify, trust_env=False)
        self._addresses = list(addresses)

    @property
    def address(self) -> str:
        return self._addresses[0]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        named = request.url
        request.extensions = {**request.extensions, "sni_hostname": named.host}
        for left in reversed(range(len(self._addresses))):
            request.url = named.copy_with(host=self.address)
            try:
                return await super().handle_async_request(request)
            except httpx.ConnectError:
                if not left:
                    raise
                self._addresses.append(self._addresses.pop(0))
        raise httpx.ConnectError("no address", request=request)
