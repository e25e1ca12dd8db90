"""CSV that a spreadsheet opens as it was written: RFC 4180, UTF-8 with a mark, nothing that calculates."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import datetime
from typing import Final

from fastapi.responses import StreamingResponse

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection)."""
MARK: Final = "\ufeff"


def cell(value: object) -> str:
    """A value as the text of a cell; numbers stay numbers, also negative ones."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value)
    is_number = isinstance(value, int | float)
    return f"'{text}" if text.startswith(FORMULA) and not is_number else text


def line(values: Iterable[object]) -> str:
    """One row with its line end."""
    target = io.StringIO()
    csv.writer(target).writerow([cell(value) for value in values])
    return target.getvalue()


def download(content: AsyncIterator[str], name: str, media_type: str) -> StreamingResponse:
    """A file that the browser stores; ``name`` is ASCII."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(content, media_type=media_type, headers=headers)
