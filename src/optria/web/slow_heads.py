"""HTTP connections on which a request never quite arrives (slow loris) are closed."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

PATIENCE_S: Final = 10.0
"""For the whole head of a request, and for what is left of a body that was answered already."""


class PromptHttp(HttpToolsProtocol):
    """uvicorn's protocol with time-outs for what uvicorn itself waits for without end.

    A body that is wanted has a time-out of its own (:class:`optria.web.limits.BodyLimit`).
    """

    patience_s = PATIENCE_S
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_more()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_more()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        is_unread = self.cycle.more_body
        super().on_response_complete()
        if is_unread:
            self._expect_more()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_more(self) -> None:
        if self._late is None:
            self._late = self.loop.call_later(self.patience_s, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _hang_up(self) -> None:
        """Not while an earlier request of the same connection is still answered."""
        self._late = None
        answered: RequestResponseCycle | None = self.cycle
        if answered is not None and not answered.response_complete:
            self._expect_more()
        else:
            self.transport.close()
