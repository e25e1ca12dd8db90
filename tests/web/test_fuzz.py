"""Made-up requests to every operation of the real server: none breaks it, none is answered undocumented."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import PIPE, STDOUT
from typing import Final

import anyio
import pytest

from optria.core.roles import Role
from optria.db.identity import Tenant, User
from optria.db.session import Database
from optria.web.runner import serve
from optria.web.sessions import COOKIE
from tests import factories
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.fuzzing import ASKS_ANOTHER_PROGRAM, CHECKS, ENDS_THE_SESSION, Answered, with_real_ids
from tests.web.house import House, build

SEED: Final = 20261122
USUAL_CASES: Final = 4
CASES: Final = int(os.environ.get("FUZZ_CASES", USUAL_CASES))
"""Random cases of each operation and role; when more are asked for, boundary cases come on top."""
IS_USUAL: Final = CASES <= USUAL_CASES
LEAST_CASES: Final = 900 if IS_USUAL else 2000
ROLES: Final = (Role.TENANT_ADMIN,) if IS_USUAL else (Role.TENANT_ADMIN, Role.ENGINEER, Role.PLATFORM_OWNER)
Seen = Counter[tuple[str, str, int]]


@asynccontextmanager
async def served(house: House, seen: Seen) -> AsyncIterator[str]:
    stop = anyio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    house.app.add_middleware(Answered, seen=seen)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(house.app, "127.0.0.1", 0, stop, port.set_result))
        yield f"http://127.0.0.1:{await port}"
        stop.set()


async def furnished(database: Database) -> tuple[House, dict[str, object]]:
    """A house in which every kind of thing exists once, and the ids of those things."""
    house = await build(database)
    await priced(house)
    vibrate(house)
    incident = await detected(house, install(house))
    own = house.own
    async with house.database.transaction(own.tenant.id) as tx:
        await factories.score(tx, own.asset)
        event = await factories.event(tx, own.asset)
        layout = await factories.layout(tx, own.site)
        notification = await factories.notification(tx, own.users[Role.TENANT_ADMIN])
    return house, {
        "tenant_id": own.tenant.id,
        "site_id": own.site.id,
        "asset_id": own.asset.id,
        "root_asset_id": own.asset.id,
        "integration_id": own.integration.id,
        "mapping_id": own.vibration.id,
        "metric_name": "vibration",
        "incident_id": str(incident.id),
        "event_id": str(event.id),
        "layout_id": layout.id,
        "notification_id": str(notification.id),
        "work_order_id": incident.auto_work_order_id,
        "user_id": own.users[Role.VIEWER].id,
        "assigned_to": own.users[Role.ENGINEER].id,
    }


def settings(folder: Path) -> Path:
    """Schemathesis' own settings: where 503 is a true answer."""
    true_503 = "\n".join(
        f'[[operations]]\ninclude-path-regex = "^{prefix}"\n'
        'checks.not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]'
        for prefix in ASKS_ANOTHER_PROGRAM
    )
    file = folder / "schemathesis.toml"
    file.write_text(f"[phases.coverage]\nunexpected-methods = []\n{true_503}\n", "utf-8")
    return file


async def fresh_session(house: House, role: Role) -> str:
    """A session of the role's person, whom an earlier role may have signed out or taken off the plant."""
    user = house.user(role)
    async with house.database.platform("test") as tx:
        stored = await tx.session.get_one(User, user.id)
        stored.is_active, stored.role = True, role
        (await tx.session.get_one(Tenant, house.own.tenant.id)).status = "active"
    house.tokens.pop(user.id, None)
    return await house.token(user)


async def fuzz(url: str, document: Path, token: str, phases: str) -> tuple[int, str]:
    """Run Schemathesis in a process of its own; its return code and words."""
    left_out = [word for name in ENDS_THE_SESSION for word in ("--exclude-operation-id", name)]
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings(document.parent))]
    command += ["run", str(document), "--url", url, "--header", f"Cookie: {COOKIE}={token}", *left_out]
    command += ["--phases", phases, "--checks", ",".join(CHECKS), "--max-examples", str(CASES)]
    command += ["--seed", str(SEED), "--generation-database", "none", "--no-shrink", "--continue-on-failure"]
    command += [
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
        "--no-color",
        "--output-truncate",
        "true",
    ]
    command += ["--request-timeout", "30", "--generation-with-security-parameters", "false"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=PIPE, stderr=STDOUT, cwd=document.parent
    )
    try:
        said, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, said.decode("utf-8", "replace")


def phases_of(role: Role) -> str:
    """The documented examples once; boundary values too when more than the usual cases are asked for."""
    if role is not ROLES[0]:
        return "fuzzing"
    return "examples,fuzzing" if IS_USUAL else "examples,coverage,fuzzing"


def told(seen: Seen, operations: int) -> str:
    statuses: Counter[int] = Counter()
    for (_method, _route, status), count in seen.items():
        statuses[status] += count
    answers = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    return f"{seen.total()} cases of {operations} operations, seed {SEED}; answers {answers}"


def refused_at_the_door(seen: Seen) -> int:
    """Answers 401 to what is no attempt to sign in."""
    return sum(count for (_, route, status), count in seen.items() if status == 401 and "auth" not in route)


async def test_no_request_breaks_the_server_or_is_answered_undocumented(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    house, known = await furnished(database)
    description: Mapping[str, Mapping[str, object]] = house.app.openapi()
    document = tmp_path / "openapi.json"
    document.write_text(json.dumps(with_real_ids(description, known)), "utf-8")
    seen: Seen = Counter()
    failures = []
    async with served(house, seen) as url:
        for role in ROLES:
            token = await fresh_session(house, role)
            code, said = await fuzz(url, document, token, phases_of(role))
            failures += [f"{role}:\n{said}"] if code else []
    operations = sum(len(item) for item in description["paths"].values() if isinstance(item, Mapping))
    with capsys.disabled():
        print(f"\nfuzzing: {told(seen, operations)}")
    assert failures == [], "\n".join(failures)
    assert seen.total() >= LEAST_CASES
    assert operations - len(ENDS_THE_SESSION) <= len({key[:2] for key in seen})
    assert seen.total() > 20 * refused_at_the_door(seen), "most of it did not get in"
