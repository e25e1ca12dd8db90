"""``optria tenant`` and ``optria user``: tenants and people without the screens, such as the first one."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Annotated, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from sqlalchemy import func, select

from optria.cli.opened import opened_database
from optria.core.errors import Invalid, NotFound
from optria.core.roles import Role
from optria.db.identity import Tenant, User
from optria.db.session import Tx
from optria.kit import logs
from optria.kit.settings import Settings
from optria.web.people import accounts, tenancies
from optria.web.people.accounts import COMMAND_LINE, NewAccount
from optria.web.people.passwords import SHORTEST
from optria.web.people.tenancies import NewTenant
from optria.web.people.tenant_bodies import TenantNames
from optria.web.people.user_bodies import PasswordReset, UserCreate
from optria.web.refused_values import plain

tenants = typer.Typer(help="Tenants: the companies whose plants are watched.", no_args_is_help=True)
users = typer.Typer(help="People who sign in.", no_args_is_help=True)

ROLES = ", ".join(Role)
Checked = TypeVar("Checked", bound=BaseModel)
Done = TypeVar("Done")
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Code of the tenant.")]


@tenants.command("add")
def add_tenant(
    code: Annotated[str, typer.Argument(help="Short and unique, such as JUBAIL.")],
    name: Annotated[str, typer.Argument(help="As the screens show it.")],
    name_ar: Annotated[str | None, typer.Option(help="The name in Arabic.")] = None,
    industry: Annotated[str | None, typer.Option(help="Such as Petrochemicals.")] = None,
) -> None:
    """Make a tenant; `optria user add` makes its people."""
    asked = _checked(TenantNames, code=code, name=name, name_ar=name_ar, industry=industry)

    async def make(tx: Tx) -> str:
        new = NewTenant(asked.code, asked.name, asked.name_ar, asked.industry)
        return (await tenancies.add(tx, COMMAND_LINE, new)).code

    made = _run(make)
    typer.echo(f"Tenant {made} is made. Its first administrator is made by")
    typer.echo(f"  optria user add --tenant {made} --role tenant_admin --email name@example.com")


@tenants.command("list")
def list_tenants() -> None:
    """Every tenant with its status and how many people may sign in."""

    async def read(tx: Tx) -> list[tuple[str, ...]]:
        people = (
            select(func.count(User.id))
            .where(User.tenant_id == Tenant.id, User.is_active.is_not(False))
            .scalar_subquery()
        )
        found = await tx.session.execute(select(Tenant, people).order_by(Tenant.code))
        return [(each.code, each.name, each.status or "active", str(count)) for each, count in found]

    _print_table(("CODE", "NAME", "STATUS", "PEOPLE"), _run(read))


def _role(word: str) -> Role:
    """Raises BadParameter, in our words: those of Typer for an enum differ from version to version."""
    if word not in set(Role):
        raise typer.BadParameter(f"'{word}' is none of {ROLES}.")
    return Role(word)


@users.command("add")
def add_user(
    email: Annotated[str, typer.Option(help="The address to sign in with.")],
    role: Annotated[
        Role, typer.Option(help=f"What the person may do: {ROLES}.", parser=_role, metavar="ROLE")
    ],
    tenant: TenantOption = None,
    name: Annotated[str | None, typer.Option(help="The person's name.")] = None,
    name_ar: Annotated[str | None, typer.Option(help="The name in Arabic.")] = None,
    username: Annotated[str | None, typer.Option(help="Default: the address up to its @.")] = None,
    password_stdin: FromStdin = False,
) -> None:
    """Make an account. A platform owner belongs to no tenant, everybody else to one."""
    short = email.partition("@")[0]
    asked = _checked(
        UserCreate,
        email=email,
        username=username or short,
        full_name=name or short,
        full_name_ar=name_ar,
        role=role,
    )
    password = _password(from_stdin=password_stdin)

    async def make(tx: Tx) -> str:
        tenant_id = (await _tenant(tx, tenant)).id if tenant is not None else None
        await accounts.require_free_email(tx, asked.email)
        names = (asked.full_name, asked.full_name_ar)
        new = NewAccount(tenant_id, asked.email, asked.username, asked.role, *names)
        return (await accounts.add(tx, COMMAND_LINE, new, password))[0].email

    made = _run(make)
    typer.echo(f"Account {made} is made: {asked.role}{f' of {tenant}' if tenant else ''}.")


@users.command("list")
def list_users(tenant: TenantOption = None) -> None:
    """Everybody, or the people of one tenant."""

    async def read(tx: Tx) -> list[tuple[str, ...]]:
        statement = select(User, Tenant.code).join(Tenant, Tenant.id == User.tenant_id, isouter=True)
        if tenant is not None:
            statement = statement.where(User.tenant_id == (await _tenant(tx, tenant)).id)
        found = await tx.session.execute(statement.order_by(Tenant.code.nulls_first(), User.email))
        return [
            (user.email, user.role, code or "-", user.full_name or user.username, _state(user))
            for user, code in found
        ]

    _print_table(("EMAIL", "ROLE", "TENANT", "NAME", "STATE"), _run(read))


@users.command("password")
def change_password(
    email: Annotated[str, typer.Argument(help="The address of the account.")],
    password_stdin: FromStdin = False,
) -> None:
    """Give an account another password and end its sessions."""
    password = _password(from_stdin=password_stdin)

    async def change(tx: Tx) -> str:
        user = await _user(tx, email)
        await accounts.set_password(tx, COMMAND_LINE, user, password)
        return user.email

    typer.echo(f"The password of {_run(change)} is changed and its sessions have ended.")


@users.command("deactivate")
def deactivate(email: Annotated[str, typer.Argument(help="The address of the account.")]) -> None:
    """Close an account and end its sessions; what it did stays on record."""

    async def close(tx: Tx) -> str:
        user = await _user(tx, email)
        await accounts.change(tx, COMMAND_LINE, user, {"is_active": False})
        return user.email

    typer.echo(f"Account {_run(close)} is deactivated and its sessions have ended.")


def _run(work: Callable[[Tx], Coroutine[None, None, Done]]) -> Done:
    """Do ``work`` in one transaction across tenants of the installation's database."""
    settings = Settings()
    logs.configure("WARNING" if settings.log_level == "INFO" else settings.log_level, settings.log_json)

    async def done() -> Done:
        async with opened_database(settings) as database, database.platform("command line") as tx:
            return await work(tx)

    return asyncio.run(done())


async def _tenant(tx: Tx, code: str) -> Tenant:
    same = select(Tenant).where(func.lower(Tenant.code) == func.lower(code))
    tenant = (await tx.session.scalars(same.order_by((Tenant.code == code).desc(), Tenant.id))).first()
    if tenant is None:
        raise NotFound(f"There is no tenant with the code {code}; `optria tenant list` shows them.")
    return tenant


async def _user(tx: Tx, email: str) -> User:
    same = select(User).where(func.lower(User.email) == email.strip().lower())
    ordered = same.order_by((User.email == email.strip()).desc(), User.id)
    user = (await tx.session.scalars(ordered.with_for_update(key_share=True))).first()
    if user is None:
        raise NotFound(f"There is no account with the address {email}; `optria user list` shows them.")
    return user


def _password(*, from_stdin: bool) -> str:
    """The password of somebody at the terminal, who types it twice, or of a program.

    Raises:
        Invalid: there is neither, or it is none that can be stored.
    """
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        question = f"Password (at least {SHORTEST} characters)"
        password = typer.prompt(question, hide_input=True, confirmation_prompt=True, err=True)
    else:
        raise Invalid("There is no terminal to ask for a password: pipe it in and add --password-stdin.")
    return _checked(PasswordReset, new_password=password).new_password or ""


def _checked(kind: type[Checked], **values: object) -> Checked:
    """Words from the command line, held to the same rules as a request's body.

    Raises:
        Invalid: naming the first that breaks one.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(f"{'.'.join(map(str, first['loc']))}: {plain(first['msg'])}.") from error


def _state(user: User) -> str:
    return "deactivated" if user.is_active is False else "active"


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    printable = [["".join(c if c.isprintable() else "?" for c in cell) for cell in row] for row in rows]
    table = [list(heads), *printable]
    widths = [max(len(row[column]) for row in table) for column in range(len(heads))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
