"""What a PI Web API answers, read with bounds on its size, its time and its depth."""

import asyncio
import json
import math
import re
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from optria.kit import clock

LARGEST_ANSWER = 16 * 1024 * 1024
"""A page of history of five streams is about 2 MB."""
TIMES_THE_TIMEOUT = 4
"""A whole answer may take this many times what its beginning may."""
LONGEST_WAIT_S = 600.0
DEEPEST = 32
"""What PI Web API nests is at most 6 deep."""
LONGEST_INTEGER = 400
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class TooLarge(Exception):
    """The answer is longer than :data:`LARGEST_ANSWER`."""


async def read_answer(
    http: httpx.AsyncClient, method: str, url: str, body: object, timeout_s: float
) -> tuple[httpx.Response, bytes]:
    """The answer and its content, decompressed.

    Raises:
        httpx.HTTPError, TimeoutError: it did not come, or not whole.
        TooLarge: it is larger than any that can be meant.
    """
    async with asyncio.timeout(TIMES_THE_TIMEOUT * timeout_s), http.stream(method, url, json=body) as answer:
        content = bytearray()
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > LARGEST_ANSWER:
                raise TooLarge
        return answer, bytes(content)


def retry_after_s(header: str | None) -> float | None:
    """The wait that ``Retry-After`` asks for (seconds or a date, RFC 9110 10.2.3), at most ten minutes."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), LONGEST_WAIT_S)
    try:
        until: datetime = parsedate_to_datetime(text)
        wait_s = (until - clock.now()).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def decode(text: str | bytes) -> object:
    """JSON as Python objects. What is nested deeper than anything PI sends is left out (null), the rest kept.

    Raises:
        ValueError: no JSON.
    """
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError:
        pass
    try:
        return json.loads(_cut(text.encode() if isinstance(text, str) else text), parse_int=_integer)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _integer(digits: str) -> int | float:
    """Beyond any double it is infinite; Python would refuse the whole text for it."""
    return (
        int(digits) if len(digits) <= LONGEST_INTEGER else math.copysign(math.inf, -(digits[0] == "-") or 1)
    )


def _cut(text: bytes) -> bytes:
    """The same JSON with null for whatever is nested deeper than :data:`DEEPEST`."""
    kept, depth, since, cut_from = bytearray(), 0, 0, -1
    for found in _STRUCTURE.finditer(text):
        mark = found.group()
        if mark in (b"[", b"{"):
            depth += 1
            if depth == DEEPEST + 1:
                cut_from = found.start()
        elif mark in (b"]", b"}"):
            depth -= 1
            if depth == DEEPEST and cut_from >= 0:
                kept += text[since:cut_from] + b"null"
                since, cut_from = found.end(), -1
    return bytes(kept + text[since:])
