"""Plants and connections as they were last read, kept in the data folder for a start without a database.

The file is for its owner alone (mode 0600), holds the secrets of connections sealed, as the rows do, and
says which database it was read from, so that it is never used for another one.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog
from pydantic import TypeAdapter

from optria.app.sources import Connection
from optria.connectors.secrets import Vault
from optria.core.asset import PlantModel
from optria.kit import clock, private_file
from optria.kit.secrets import Sealer, sealer_of
from optria.kit.settings import Settings

log = structlog.get_logger(__name__)

FILE: Final = "plants.json"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """What is watched of a tenant."""

    plant: PlantModel
    connections: tuple[Connection, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a database, from where (``place``) and which it was (``fingerprint``)."""

    place: str
    fingerprint: str
    read_at: datetime
    tenants: tuple[KnownTenant, ...]


_ADAPTER: Final = TypeAdapter(Known)


class KnownPlants:
    """The file in the data folder, written at each change."""

    def __init__(self, settings: Settings, place: str) -> None:
        self.file = settings.home_folder / FILE
        self._settings, self._place = settings, place
        self._written: tuple[str, tuple[KnownTenant, ...]] | None = None

    async def keep(self, fingerprint: str, tenants: tuple[KnownTenant, ...]) -> None:
        """Write what was read, unless it is what the file holds already. A full disk is said, and no more."""
        if self._written == (fingerprint, tenants):
            return
        try:
            await asyncio.to_thread(self._write, Known(self._place, fingerprint, clock.now(), tenants))
            self._written = (fingerprint, tenants)
        except OSError as error:
            log.warning("known_plants_not_kept", file=str(self.file), error=str(error))

    def _write(self, known: Known) -> None:
        sealer = sealer_of(self._settings)
        tenants = tuple(_sealed(tenant, sealer) for tenant in known.tenants)
        private_file.replace(self.file, _as_text(replace(known, tenants=tenants)).encode())

    async def read(self) -> Known | None:
        """What was kept of this database; None where there is nothing that could be used."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> Known | None:
        try:
            known = _from_text(self.file.read_text("utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._set_aside(error)
            return None
        if known is not None and known.place != self._place:
            log.warning("known_plants_of_another_database", file=str(self.file), place=known.place)
            return None
        return known

    def _set_aside(self, error: Exception) -> None:
        aside = self.file.with_suffix(".damaged")
        reason = str(error).splitlines()[0]
        try:
            self.file.replace(aside)
            log.warning("known_plants_damaged", set_aside=str(aside), error=reason)
        except OSError:
            log.warning("known_plants_damaged", file=str(self.file), error=reason)

    def forget(self) -> None:
        """Use it no more: the database that it was read from is not the one that is there."""
        self.file.unlink(missing_ok=True)


def _sealed(tenant: KnownTenant, sealer: Sealer) -> KnownTenant:
    """Version 1 left passwords in plain text in its rows; no file gets them so."""
    return KnownTenant(
        tenant.plant,
        tuple(
            replace(one, config=Vault(sealer, one.tenant_id, one.integration_id).seal(one.config))
            for one in tenant.connections
        ),
    )


def _as_text(known: Known) -> str:
    body = json.dumps(_ADAPTER.dump_python(known), default=str)
    return json.dumps({"version": VERSION, "sha256": _digest(body)}) + "\n" + body


def _from_text(text: str) -> Known | None:
    """None for a file of another version of the program. Raises ValueError for a damaged one."""
    first, _, body = text.partition("\n")
    header = json.loads(first)
    if not isinstance(header, dict):
        raise ValueError("its first line is no JSON object")
    if header.get("version") != VERSION:
        log.warning("known_plants_of_another_version", version=header.get("version"), ours=VERSION)
        return None
    if header.get("sha256") != _digest(body):
        raise ValueError("its content does not match its checksum")
    return _ADAPTER.validate_json(body)


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
