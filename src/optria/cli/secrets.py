"""``optria secrets``: by which keys the stored secrets are encrypted, and all of them anew with the first."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import typer
from sqlalchemy import select

from optria.cli.opened import opened_database, settings_of_command
from optria.connectors.secrets import MARK, PLAIN, Vault, count_keys
from optria.core.errors import ConfigurationError
from optria.db.delivery import WebhookRow
from optria.db.identity import Tenant
from optria.db.plant import Integration
from optria.db.session import Database, Tx
from optria.kit.secrets import Sealer, key_id_of, sealer_of
from optria.kit.settings import Settings
from optria.web.integrations.integrations import lock
from optria.work.delivery_webhooks import place_of_secret

app = typer.Typer(help="The encryption of stored passwords and keys.", no_args_is_help=True)

UNREADABLE = "unreadable"


@dataclass(slots=True)
class Rotation:
    """What a rotation did. ``failed`` are sentences, one a connection or webhook."""

    renewed: int = 0
    failed: list[str] = field(default_factory=list)


@app.command()
def rotate() -> None:
    """Encrypt every stored secret with the first key. Exit code 1 when one could not be decrypted.

    A new key goes first into OPTRIA_SECRET_KEYS, the old one stays behind it. Restart the product, rotate,
    and take the old one out when `optria secrets status` counts none of it. Secrets of OPTRIA IQ v1 are in
    plain text until then; the v1 application cannot read them afterwards.
    """
    settings = settings_of_command()
    sealer = sealer_of(settings)
    done = asyncio.run(_rotate(settings, sealer))
    typer.echo(f"Encrypted anew with the key '{sealer.key_id}': {done.renewed}.")
    for sentence in done.failed:
        typer.echo(sentence, err=True)
    raise typer.Exit(1 if done.failed else 0)


@app.command()
def status() -> None:
    """Count the stored secrets by the key that encrypted them."""
    settings = settings_of_command()
    sealer = sealer_of(settings)
    counts = asyncio.run(_count(settings))
    for key_id in (*sealer.key_ids, *sorted(set(counts) - set(sealer.key_ids))):
        typer.echo(f"{key_id}: {counts[key_id]}{_remark(key_id, sealer)}")


def _remark(key_id: str, sealer: Sealer) -> str:
    if key_id == sealer.key_id:
        return " (this key encrypts)"
    if key_id in sealer.key_ids:
        return ""
    if key_id in (PLAIN, UNREADABLE):
        return ": run `optria secrets rotate`" if key_id == PLAIN else ": enter them again"
    return ": this key is missing; add it to OPTRIA_SECRET_KEYS or enter these secrets again"


async def _rotate(settings: Settings, sealer: Sealer) -> Rotation:
    async with opened_database(settings) as database:
        return await rotate_all(database, sealer)


async def _count(settings: Settings) -> Counter[str]:
    async with opened_database(settings) as database:
        return await count_all(database)


async def rotate_all(database: Database, sealer: Sealer) -> Rotation:
    """Every secret of every tenant sealed with the sealer's first key, a tenant at a time."""
    done = Rotation()
    for tenant_id in await _tenants(database):
        async with database.transaction(tenant_id) as tx:
            await lock(tx)
            await _rotate_connections(tx, sealer, done)
            await _rotate_webhooks(tx, sealer, done)
    return done


async def _rotate_connections(tx: Tx, sealer: Sealer, done: Rotation) -> None:
    for row in (await tx.session.scalars(select(Integration).order_by(Integration.id))).all():
        try:
            config = Vault(sealer, row.tenant_id, row.id).renew(row.config or {})
            stale = count_keys(row.config or {})
        except ConfigurationError as error:
            done.failed.append(f"Connection {row.id} ({row.name}) of tenant {row.tenant_id}: {error}")
            continue
        done.renewed += stale.total() - stale[sealer.key_id]
        if config != row.config:
            row.config = config


async def _rotate_webhooks(tx: Tx, sealer: Sealer, done: Rotation) -> None:
    query = select(WebhookRow).where(WebhookRow.secret.is_not(None)).order_by(WebhookRow.id).with_for_update()
    for row in (await tx.session.scalars(query)).all():
        place = place_of_secret(row.tenant_id, row.id)
        try:
            if row.secret and key_id_of(row.secret) != sealer.key_id:
                row.secret = sealer.seal(sealer.open(row.secret, *place), *place)
                done.renewed += 1
        except ConfigurationError as error:
            done.failed.append(f"Webhook {row.id} ({row.name}) of tenant {row.tenant_id}: {error}")


async def count_all(database: Database) -> Counter[str]:
    """How many secrets by key, of every tenant."""
    async with database.platform("count secrets by key") as tx:
        configs = (await tx.session.scalars(select(Integration.config))).all()
        hooks = (await tx.session.scalars(select(WebhookRow.secret))).all()
    counts: Counter[str] = Counter()
    for config in (*configs, *({"secret": {MARK: sealed}} for sealed in hooks if sealed)):
        try:
            counts += count_keys(config or {})
        except ConfigurationError:
            counts[UNREADABLE] += 1
    return counts


async def _tenants(database: Database) -> list[int]:
    async with database.platform("rotate secrets") as tx:
        return list(await tx.session.scalars(select(Tenant.id).order_by(Tenant.id)))
