"""Which signal mappings may stand beside each other: a tag is read once, an asset has each metric once."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import or_, select

from optria.core.errors import Conflict, Invalid, NotFound, OptriaError
from optria.db.asset_details import AssetComponent
from optria.db.plant import AssetRow, MappingRow
from optria.db.session import Tx


class Neighbours:
    """The assets, components and active mappings that some new or changed mappings meet."""

    def __init__(
        self,
        assets: Mapping[int, AssetRow],
        components: Mapping[int, AssetComponent],
        taken: Iterable[MappingRow],
    ) -> None:
        self._assets, self._components = assets, components
        self._tags: dict[tuple[int, str], int | None] = {}
        self._metrics: dict[tuple[int, str], str] = {}
        for row in taken:
            self._take(row)

    def _take(self, row: MappingRow) -> None:
        self._tags[row.integration_id, row.external_tag] = row.asset_id
        if row.asset_id is not None:
            self._metrics[row.asset_id, row.internal_metric_name] = row.external_tag

    def admit(self, row: MappingRow) -> None:
        """Let a mapping join the others.

        Raises:
            NotFound: its asset or component is not there.
            Invalid: ranges upside down, a component of another asset, an asset out of service.
            Conflict: its tag or its metric is mapped already.
        """
        self.check(row)
        if (row.integration_id, row.external_tag) in self._tags:
            raise Conflict(
                f"The tag {row.external_tag} of this connection is mapped already. "
                "Change that mapping instead."
            )
        if row.asset_id is not None:
            tag = self._metrics.get((row.asset_id, row.internal_metric_name))
            if tag is not None:
                raise Conflict(
                    f"{self._assets[row.asset_id].code} has its {row.internal_metric_name} from {tag} "
                    "already; an asset has each metric once."
                )
        self._take(row)

    def check(self, row: MappingRow) -> None:
        """What must hold of a mapping by itself. Raises NotFound and Invalid as ``admit``."""
        self._check_places(row)
        _check_range(row.range_low, row.range_high, "range_low", "range_high")
        _check_range(row.normal_low, row.normal_high, "normal_low", "normal_high")

    def _check_places(self, row: MappingRow) -> None:
        asset = self._assets.get(row.asset_id) if row.asset_id is not None else None
        if row.asset_id is not None and asset is None:
            raise NotFound(f"There is no asset {row.asset_id}.")
        if asset is not None and asset.is_active is False:
            raise Invalid(f"{asset.code} is out of use; nothing can be mapped to it.")
        if row.component_id is not None:
            component = self._components.get(row.component_id)
            if component is None:
                raise NotFound(f"There is no component {row.component_id}.")
            if component.asset_id != row.asset_id:
                raise Invalid(f"Component {component.code} belongs to another asset than the mapping.")

    def admit_all(self, rows: Sequence[MappingRow]) -> None:
        """The same for many; the sentence names the row, counted from 1, that failed."""
        for number, row in enumerate(rows, 1):
            try:
                self.admit(row)
            except OptriaError as error:
                raise type(error)(f"Row {number} ({row.external_tag}): {error}") from None


def _check_range(low: float | None, high: float | None, low_name: str, high_name: str) -> None:
    if low is not None and high is not None and low >= high:
        raise Invalid(f"'{low_name}' must be below '{high_name}'.")


async def neighbours(tx: Tx, rows: Sequence[MappingRow]) -> Neighbours:
    """Read what ``rows``, which may be stored already, meet."""
    assets = {row.asset_id for row in rows if row.asset_id is not None}
    parts = {row.component_id for row in rows if row.component_id is not None}
    own = [row.id for row in rows if row in tx.session]
    meets = or_(
        MappingRow.integration_id.in_({row.integration_id for row in rows}), MappingRow.asset_id.in_(assets)
    )
    taken = select(MappingRow).where(meets, MappingRow.is_active.is_not(False), MappingRow.id.not_in(own))
    with tx.session.no_autoflush:
        found = await tx.session.scalars(select(AssetRow).where(AssetRow.id.in_(assets)))
        components = await tx.session.scalars(select(AssetComponent).where(AssetComponent.id.in_(parts)))
        return Neighbours(
            {row.id: row for row in found},
            {row.id: row for row in components},
            (await tx.session.scalars(taken)).all(),
        )
