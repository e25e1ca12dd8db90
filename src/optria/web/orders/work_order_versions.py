"""Changes of a work order are based on a version of it: the one named in the body, or in ``If-Match``."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header

from optria.core.errors import Invalid, Stale
from optria.db.work import WorkOrderRow

_TAGS: Final = re.compile(r'\s*(?:W/)?("?)(\d{1,18})\1\s*')


@dataclass(frozen=True, slots=True)
class Seen:
    """The versions that a person may have seen; None where a program did not say."""

    versions: frozenset[int] | None = None

    def check(self, row: WorkOrderRow, version: int | None = None) -> None:
        """Raises Stale when the order has changed since: against the header, and ``version`` of the body."""
        named = self.versions is None or row.version in self.versions
        if not named or version not in (None, row.version):
            raise Stale(
                f"Work order {row.code} was changed by someone else: it is at version {row.version} now. "
                "Reload it and try again.",
                row.version,
            )


async def seen(
    if_match: Annotated[
        str | None,
        Header(max_length=200, description="The ``version`` that the change is based on, in quotes."),
    ] = None,
) -> Seen:
    """What the header ``If-Match`` says. Raises Invalid for one that names no version."""
    if if_match is None or if_match.strip() == "*":
        return Seen()
    found = [_TAGS.fullmatch(tag) for tag in if_match.split(",")]
    if not all(found):
        raise Invalid('If-Match names versions of the work order, such as "3".')
    return Seen(frozenset(int(tag[2]) for tag in found if tag))


SeenVersion = Annotated[Seen, Depends(seen)]


def tag_of(row: WorkOrderRow) -> str:
    """The ``ETag`` of an order."""
    return f'"{row.version}"'
