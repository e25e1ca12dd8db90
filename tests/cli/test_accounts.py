"""Tenants and people from the command line: how a plant without the demo gets its first account."""

import os
import pty
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.identity import AuditLog, Tenant, User, UserSession
from optria.db.session import Database
from optria.kit.settings import Settings
from optria.web import sessions
from optria.web.people import passwords
from tests import factories
from tests.conftest import serving_url

GOOD = "three pumps and a tank"
OWNER = ("user", "add", "--role", "platform_owner", "--email", "Root@Example.com", "--password-stdin")


class CommandLine:
    """``optria`` on one database; words on standard input where it asks for them."""

    def __init__(self, home: Path, **settings: str) -> None:
        known = {name: value for name, value in os.environ.items() if not name.startswith("OPTRIA_")}
        self.environment = {**known, "OPTRIA_HOME": str(home), **settings}

    def __call__(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "optria", *words],
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def done(self, *words: str, typed: str = "") -> str:
        ran = self(*words, typed=typed)
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def refused(self, *words: str, typed: str = "") -> str:
        ran = self(*words, typed=typed)
        assert (ran.returncode, ran.stderr[:8]) == (1, "optria: "), ran.stderr
        assert "Traceback" not in ran.stderr
        return ran.stderr


@pytest.fixture
def home() -> Iterator[Path]:
    """A path short enough for a socket of PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="optria-test-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture
def optria(home: Path, fresh_database: str) -> CommandLine:
    return CommandLine(home, OPTRIA_APP_DATABASE_URL=serving_url(fresh_database))


async def _deeds(database: Database) -> Sequence[AuditLog]:
    async with database.platform("test") as tx:
        return (await tx.session.scalars(select(AuditLog).order_by(AuditLog.id))).all()


def test_the_first_account_of_a_new_installation(home: Path) -> None:
    """On the embedded database, from nothing."""
    optria = CommandLine(home)
    assert "root@example.com is made: platform_owner." in optria.done(*OWNER, typed=f"{GOOD}\n")
    listed = optria.done("user", "list").splitlines()
    assert [line.split() for line in listed] == [
        ["EMAIL", "ROLE", "TENANT", "NAME", "STATE"],
        ["root@example.com", "platform_owner", "-", "Root", "active"],
    ]


async def test_a_tenant_and_its_people(optria: CommandLine, database: Database) -> None:
    add = ("user", "add", "--tenant", "jubail", "--password-stdin")
    assert "Tenant JUBAIL is made" in optria.done("tenant", "add", "JUBAIL", "Jubail Petro")
    words = ("--role", "tenant_admin", "--email", "rania@example.com", "--name", "Rania Khalil")
    assert "tenant_admin of jubail" in optria.done(*add, *words, typed=GOOD)
    assert optria.done("tenant", "list").splitlines()[1].split() == [
        "JUBAIL",
        "Jubail",
        "Petro",
        "active",
        "1",
    ]
    assert "Rania Khalil" in optria.done("user", "list", "--tenant", "JUBAIL")
    async with database.platform("test") as tx:
        tenant = (await tx.session.scalars(select(Tenant))).one()
        user = (await tx.session.scalars(select(User))).one()
    assert (user.tenant_id, user.role, user.username) == (tenant.id, "tenant_admin", "rania")
    assert (await passwords.verify(GOOD, user.password_hash))[0]
    deeds = await _deeds(database)
    assert [(deed.action, deed.tenant_id, deed.user_id, deed.user_agent) for deed in deeds] == [
        ("tenant_added", tenant.id, None, "optria command line"),
        ("user_added", tenant.id, None, "optria command line"),
    ]
    assert GOOD not in str([deed.new_values for deed in deeds])


async def test_a_new_password_and_a_closed_account_end_the_sessions(
    optria: CommandLine, database: Database
) -> None:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx)
        await factories.user(tx, tenant.id, Role.TENANT_ADMIN)
        user = await factories.user(tx, tenant.id, Role.TENANT_ADMIN, email="Rania@example.com")

    async def open_sessions() -> int:
        async with database.platform("test") as tx:
            alive = select(UserSession.id).where(UserSession.revoked_at.is_(None))
            return len((await tx.session.scalars(alive)).all())

    async def sign_in() -> None:
        async with database.platform("test") as tx:
            await sessions.start(tx, user, Settings(), "127.0.0.1", "test")

    await sign_in()
    optria.done("user", "password", "rania@EXAMPLE.com", "--password-stdin", typed=f"{GOOD}\r\nsecond line")
    assert await open_sessions() == 0
    await sign_in()
    optria.done("user", "deactivate", "rania@example.com")
    assert await open_sessions() == 0
    async with database.platform("test") as tx:
        stored = await tx.session.get_one(User, user.id)
    assert stored.is_active is False
    assert (await passwords.verify(GOOD, stored.password_hash))[0]
    assert "deactivated" in optria.done("user", "list")
    assert [deed.action for deed in await _deeds(database)] == ["password_reset", "user_deactivated"]


def test_a_role_that_there_is_not_is_refused_with_the_list(optria: CommandLine) -> None:
    answer = optria("user", "add", "--role", "admin", "--email", "a@example.com")
    said = " ".join(answer.stderr.replace("│", " ").split())
    assert answer.returncode == 2
    assert "'admin' is none of platform_owner, tenant_admin, " in said
    assert "Value error" not in said


async def test_what_cannot_be_done_is_said_in_a_sentence(optria: CommandLine, database: Database) -> None:
    async with database.platform("test") as tx:
        tenant = await factories.tenant(tx, code="JUBAIL")
        admin = await factories.user(tx, tenant.id, Role.TENANT_ADMIN, email="a@example.com")
    add = ("user", "add", "--role", "engineer", "--email", "b@example.com", "--password-stdin")
    viewer = ("user", "add", "--role", "viewer", "--tenant", "JUBAIL", "--password-stdin", "--email")
    assert "already" in optria.refused("tenant", "add", "jubail", "Another")
    assert "Which tenant" in optria.refused(*add, typed=GOOD)
    assert "optria tenant list" in optria.refused(*add, "--tenant", "NONE", typed=GOOD)
    assert "belongs to no tenant" in optria.refused(*OWNER, "--tenant", "JUBAIL", typed=GOOD)
    assert "at least 10" in optria.refused(*viewer, "b@example.com", typed="short")
    assert "at least 10" in optria.refused(*viewer, "b@example.com")
    assert "is needed" in optria.refused(*viewer, "b", typed=GOOD)
    assert "A@example.com" not in optria.refused(*viewer, "A@example.com", typed=GOOD)
    assert "no account" in optria.refused("user", "deactivate", "none@example.com")
    assert "the last account" in optria.refused("user", "deactivate", admin.email)
    assert "--password-stdin" in optria.refused("user", "password", admin.email)
    assert await _deeds(database) == []


def test_at_a_terminal_the_password_is_asked_for_twice(optria: CommandLine) -> None:
    """And is not shown. Without a session of its own the program would ask the terminal of the tests."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "optria", *OWNER[:-1]]
    with subprocess.Popen(
        command,
        env=optria.environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as asking:
        os.close(theirs)
        asked = [_answered(asking, ours), _answered(asking, ours)]
        said, _ = asking.communicate(timeout=120)
    os.close(ours)
    assert asking.returncode == 0, said
    assert b"at least 10" in asked[0]
    assert b"Repeat" in asked[1]
    assert b"root@example.com is made" in said
    assert GOOD.encode() not in b"".join(asked) + said
    assert "root@example.com" in optria.done("user", "list")


def _answered(asking: subprocess.Popen[bytes], terminal: int) -> bytes:
    """The question, once it was put in full: what is typed earlier is thrown away."""
    assert asking.stdout is not None
    question = b""
    while not question.endswith(b": ") and (more := asking.stdout.read(1)):
        question += more
    os.write(terminal, f"{GOOD}\n".encode())
    return question
