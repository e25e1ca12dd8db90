"""``optria backup`` and ``optria restore``: everything that is stored, in one file and back again."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from pydantic import SecretStr

from optria.cli.backup_words import kept_words, shown
from optria.cli.opened import settings_of_command
from optria.cli.verified import Verified, verify
from optria.core.errors import ConfigurationError
from optria.db.backup import back_up
from optria.db.backup_file import BackupWriter, Manifest, name_for
from optria.db.backup_reading import BackupReader, open_backup
from optria.db.installation import Access, installation
from optria.db.restore import Restored
from optria.db.restore import restore as read_back
from optria.db.session import Database
from optria.db.url import place
from optria.kit import clock
from optria.kit.backup_keys import opened_keys, sealed_keys, take_keys
from optria.kit.settings import Settings

File = Annotated[Path, typer.Argument(help="The backup; a folder: a file in it named after the time.")]
WithKeys = Annotated[
    bool, typer.Option(help="The keys of stored secrets too, under a passphrase that is asked for.")
]


def backup(
    file: File,
    history: Annotated[
        str, typer.Option(help="Samples: `all`, `none`, or of so many days. Recordings of incidents always.")
    ] = "all",
    with_keys: WithKeys = False,
    show: Annotated[
        bool, typer.Option("--show", help="Say what is in a backup and whether it is whole.")
    ] = False,
) -> None:
    """Write everything that is stored into one file, as of one moment, while the product runs.

    Not in it: who is signed in. Of the installation's files only the keys of stored secrets, if asked for.
    """
    if show:
        reader = open_backup(file)
        typer.echo(shown(reader))
        reader.check()
        typer.echo("Every part is what was written.")
        return
    settings = settings_of_command()
    days = days_of(history)
    keys = sealed_keys(settings, _passphrase(settings, is_new=True)) if with_keys else None
    path = file / name_for(clock.now()) if file.is_dir() else file
    manifest = asyncio.run(_back_up(settings, path, days, keys))
    size = path.stat().st_size
    typer.echo(f"{path}: {manifest.rows:,} rows of {len(manifest.tables)} tables, {size / 1e6:,.1f} MB.")
    typer.echo(kept_words(settings, with_keys))


def restore(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    into: Annotated[
        str | None, typer.Option(help="The owner's URL of the database; default: that of the settings.")
    ] = None,
    replace: Annotated[bool, typer.Option(help="What the database holds goes.")] = False,
    with_keys: WithKeys = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Read a backup back into an empty database, all of it or nothing, and verify it.

    Exit code 1 when a chain of the audit log or a recording is not what was sealed.
    """
    settings = settings_of_command()
    if into is not None:
        update = {"database_url": SecretStr(into), "app_database_url": None}
        settings = settings.model_copy(update=update)
    reader = open_backup(file)
    keys = _keys_of(settings, reader, with_keys)
    typer.echo(shown(reader))
    if replace and not yes:
        typer.confirm("Everything that is in the database goes. Go on?", abort=True)
    restored, verified = asyncio.run(_restore(settings, reader, replace))
    if keys is not None:
        typer.echo(f"Keys of stored secrets that were not here yet: {take_keys(settings, keys)}.")
    typer.echo(
        f"Restored: {restored.rows:,} rows of {restored.tables} tables, each counted again; "
        f"revision {restored.revision}."
    )
    typer.echo(str(verified))
    raise typer.Exit(0 if verified.is_intact else 1)


def days_of(word: str) -> int | None:
    """How many days of samples; None for all.

    Raises:
        ConfigurationError: it is no such word.
    """
    if word == "all":
        return None
    if word == "none":
        return 0
    if word.isdecimal() and 0 < int(word) <= 100_000:
        return int(word)
    raise ConfigurationError(f"--history is `all`, `none` or a number of days, not {word!r}.")


async def _back_up(
    settings: Settings, path: Path, days: int | None, keys: Mapping[str, object] | None
) -> Manifest:
    async with installation(settings) as found:
        known = found.access
        with BackupWriter(path) as writer:
            return await back_up(_owner(known), writer, days, _told, keys)


async def _restore(settings: Settings, reader: BackupReader, replace: bool) -> tuple[Restored, Verified]:
    async with installation(settings) as found:
        known = found.access
        owner = _owner(known)
        typer.echo(f"Into {place(owner)}.")
        restored = await read_back(
            owner, reader, _told, replace=replace, role=known.role, password=known.password
        )
        database = Database(known.app)
        try:
            return restored, await verify(database, _told)
        finally:
            await database.dispose()


def _owner(known: Access) -> str:
    if known.owner is None:
        raise ConfigurationError("Set OPTRIA_DATABASE_URL to the URL of the role that owns the tables.")
    return known.owner


def _keys_of(settings: Settings, reader: BackupReader, with_keys: bool) -> str | None:
    if not with_keys:
        return None
    if reader.keys is None:
        raise ConfigurationError(f"{reader.path} was made without --with-keys: there are no keys in it.")
    return opened_keys(reader.keys, _passphrase(settings, is_new=False))


def _passphrase(settings: Settings, *, is_new: bool) -> str:
    if settings.backup_passphrase is not None:
        return settings.backup_passphrase.get_secret_value()
    return str(typer.prompt("Passphrase of the keys", hide_input=True, confirmation_prompt=is_new))


def _told(line: str) -> None:
    typer.echo(line, err=True)
