"""Write docs/permissions.md: roles x permissions, and what each permission opens, as the program has it.

``--check`` writes nothing and fails when the file is not what it would be.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.routing import APIRoute

from optria.core import roles
from optria.core.roles import GRANTS, Permission, Role, can
from optria.web.permits import Route, permission_of, routes_of
from optria.web.server import ROUTERS
from optria.web.topics import EVENT_TOPICS

FILE = Path(__file__).parents[1] / "docs" / "permissions.md"
HEAD = """# Who may do what

Written by `make docs` from `core/roles.py` and the routes; a test fails when it is out of date. What holds
tenants, sessions and secrets together stands in [access.md](access.md).
"""
NARROWER = """
Within a route a role may see less: engineers see the incidents and orders that are assigned to them, viewers
the summary of an incident. A thing of another tenant is 404 for everybody but platform owners.
"""
TOPIC = "Of the live socket"


def meanings() -> dict[str, str]:
    """What stands below each permission in its source."""
    body = ast.parse(inspect.getsource(roles.Permission)).body[0]
    assert isinstance(body, ast.ClassDef)
    said = {}
    for one, after in zip(body.body, body.body[1:], strict=False):
        if (
            isinstance(one, ast.Assign)
            and isinstance(after, ast.Expr)
            and isinstance(one.targets[0], ast.Name)
        ):
            said[one.targets[0].id.lower()] = str(ast.literal_eval(after.value))
    return said


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield "|" + "---|" * len(heads)
    yield from (f"| {' | '.join(row)} |" for row in rows)


def roles_by_permission() -> Iterator[str]:
    heads = ["permission", *(role.value.replace("_", " ") for role in GRANTS)]
    rows = [
        [f"[{one}](#{one})", *("yes" if can(role, one) else "–" for role in GRANTS)] for one in Permission
    ]
    yield from table(heads, rows)


def routes() -> list[Route]:
    app = FastAPI()
    for router in ROUTERS:
        app.include_router(router)
    return list(routes_of(app.routes))


def opened_by(permission: Permission, known: Sequence[Route]) -> list[list[str]]:
    """Method, address and summary of what a permission opens: routes first, then topics."""
    rows = []
    for route in known:
        if permission_of(route.dependant) is permission:
            methods = sorted(route.methods or ()) if isinstance(route, APIRoute) else ["SOCKET"]
            summary = (route.summary if isinstance(route, APIRoute) else None) or ""
            rows += [[method, f"`{route.path}`", summary or _unsummed(route)] for method in methods]
    rows.sort(key=lambda row: (row[1].strip("`"), row[0]))
    topics = [name for name, needs in EVENT_TOPICS.items() if needs is permission]
    topics += ["v:site:…", "v:asset:…"] if permission is Permission.VIEW_TWIN else []
    return rows + [["topic", f"`{name}`", TOPIC] for name in topics]


def _unsummed(route: Route) -> str:
    if not isinstance(route, APIRoute):
        return "Live events and values; each topic has a permission of its own"
    return "Description of the API" if route.path.startswith("/api/") else "Page"


def page() -> str:
    known, said = routes(), meanings()
    lines = [HEAD, *roles_by_permission(), NARROWER]
    for permission in Permission:
        holders = ", ".join(role.value for role in Role if can(role, permission))
        whom = "everybody" if permission is Permission.PUBLIC else holders
        rows = opened_by(permission, known)
        lines += [f"## {permission}", "", f"{said.get(permission, '')} Roles: {whom}.".strip(), ""]
        lines += (
            [*table(("method", "address", "what"), rows), ""] if rows else ["Opens no route by itself.", ""]
        )
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    text = page()
    if "--check" not in sys.argv:
        FILE.write_text(text, "utf-8")
    elif not FILE.exists() or FILE.read_text("utf-8") != text:
        raise SystemExit("docs/permissions.md is out of date: run make docs.")


main()
