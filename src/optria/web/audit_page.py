"""``/admin/audit``: who did what, with before and after, and whether the log is whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request
from starlette.responses import Response

from optria.core.roles import Permission
from optria.db.identity import AuditLog
from optria.kit import clock
from optria.web.audit_query import AuditQuery, actors, count_rows, kinds, read_rows
from optria.web.audit_words import action_word, thing_word
from optria.web.bodies import LARGEST_ID
from optria.web.deps import OpenTx, require
from optria.web.frame import shell_for
from optria.web.rendering import render_page
from optria.web.routing import api_router
from optria.web.sessions import Viewer
from optria.web.texts import Text

router = api_router(include_in_schema=False)

PERIODS: Final = {"1": 1, "7": 7, "30": 30, "90": 90, "": None}
"""What is chosen, and how many days it is; "" is all the time."""
PAGE: Final = 50
Word = Annotated[Text, Query(max_length=100)]
MaybeId = Annotated[Text, Query(max_length=10, pattern=r"^[0-9]*$")]


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of a deed; ``old`` or ``new`` None where there was or is none."""

    field: str
    old: object
    new: object


@router.get("/admin/audit")
async def audit_page(
    request: Request,
    viewer: Annotated[Viewer, require(Permission.VIEW_AUDIT_LOG)],
    tx: OpenTx,
    who: MaybeId = "",
    action: Word = "",
    kind: Word = "",
    days: Annotated[Text, Query(max_length=4)] = "7",
    text: Word = "",
    before: MaybeId = "",
) -> Response:
    chosen = PERIODS.get(days, PERIODS["7"])
    start = clock.now() - timedelta(days=chosen) if chosen else None
    asked = AuditQuery(_id(who), action, kind, None, start, None, text)
    found = await read_rows(tx, asked, PAGE + 1, before=_id(before))
    things = await kinds(tx)
    choices: dict[str, object] = {"who": who, "action": action, "kind": kind, "days": days, "text": text}
    chose_tenant = viewer.tenant_id is None and tx.tenant_id is not None
    tenant: dict[str, object] = {"tenant_id": tx.tenant_id} if chose_tenant else {}
    return render_page(
        request,
        "audit.html",
        await shell_for(tx, viewer, "admin"),
        rows=[(row, email, differences(row)) for row, email in found[:PAGE]],
        total=await count_rows(tx, asked),
        asked=choices,
        older=_address(choices | tenant | {"before": found[PAGE - 1][0].id}) if len(found) > PAGE else "",
        is_first=not before,
        newest=_address(choices | tenant),
        tenant=tenant,
        export=urlencode({key: value for key, value in _export(asked).items() if value} | tenant),
        actors=await actors(tx),
        actions=things[0],
        kinds=things[1],
        periods=PERIODS,
        action_word=action_word,
        thing_word=thing_word,
    )


def _id(text: str) -> int | None:
    """A number that a row can have; an impossible one finds nothing."""
    return min(int(text), LARGEST_ID) if text else None


def _address(values: Mapping[str, object]) -> str:
    """The page of a choice; ``days`` stays, because "" is all the time."""
    return "/admin/audit?" + urlencode({k: v for k, v in values.items() if v or k == "days"})


def _export(asked: AuditQuery) -> dict[str, object]:
    return {
        "user_id": asked.user_id,
        "action": asked.action,
        "entity_type": asked.entity_type,
        "from": asked.start.isoformat() if asked.start else None,
        "text": asked.text,
    }


def differences(row: AuditLog) -> Sequence[Difference]:
    """What a deed changed, field by field; what stayed as it was is left out."""
    old, new = row.old_values or {}, row.new_values or {}
    names = [*old, *(name for name in new if name not in old)]
    return [
        Difference(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name)
    ]
