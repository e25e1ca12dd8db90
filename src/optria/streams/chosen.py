"""Detectors chosen by configuration for an asset type or a metric, instead of the built-in ones."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import structlog
from numpy.typing import NDArray

from optria.core.asset import DetectorChoice, PlantModel
from optria.core.errors import ConfigurationError
from optria.core.tag import SignalMapping
from optria.streams.detectors.bank import Floats, Rows
from optria.streams.detectors.built_in import BUILT_IN, BuiltIn, built_in
from optria.streams.detectors.registry import Attached, build, looks_at_one_tag
from optria.streams.roster import Roster

log = structlog.get_logger(__name__)


class Chosen:
    """The attached River detectors of a plant.

    A choice without a metric replaces the built-in detectors of its assets; one with a metric replaces
    the built-in ones of those tags. ``errors`` counts, per detector, what went wrong.
    """

    def __init__(self, plant: PlantModel, roster: Roster, members: Sequence[Rows]) -> None:
        self._attached: dict[int, list[Attached]] = {}
        self._ratio: dict[tuple[int, str], float] = {}
        self.errors: Counter[str] = Counter()
        self.refused: list[str] = []
        self.built_in_tags = np.ones(len(roster), bool)
        self.built_in_assets = np.ones(len(roster.asset_ids), bool)
        types = {asset.id: asset.asset_type for asset in plant.assets}
        for choice in plant.detectors:
            if choice.name == BUILT_IN:
                continue
            for asset, asset_id in enumerate(roster.asset_ids):
                if choice.asset_type in (None, types.get(asset_id)):
                    self._attach(choice, asset, members[asset], roster.mappings)

    def score(self, assets: Rows, value: Floats, fresh: NDArray[np.bool_]) -> Floats:
        """Largest score over limit of the attached detectors of each asset; 0 where there is none."""
        scores = np.zeros(len(assets))
        if self._attached:
            for place, asset in enumerate(assets.tolist()):
                ratios = [self._observe(asset, a, value, fresh) for a in self._attached.get(asset, ())]
                scores[place] = max(ratios, default=0.0)
        return scores

    def heard(self, asset: int) -> dict[str, float]:
        """Last score over limit of each detector of an asset, by name."""
        return {name: ratio for (a, name), ratio in self._ratio.items() if a == asset}

    def reset(self, assets: Rows) -> None:
        """Let the detectors of these assets warm up again."""
        for asset in assets.tolist():
            for attached in self._attached.get(asset, ()):
                attached.reset()

    def _attach(
        self, choice: DetectorChoice, asset: int, rows: Rows, mappings: Sequence[SignalMapping]
    ) -> None:
        mine = [int(r) for r in rows if choice.metric in (None, mappings[int(r)].metric)]
        if not mine:
            return
        try:
            single = looks_at_one_tag(build(choice))
            groups = [[row] for row in mine] if single else [mine]
            new = [Attached(choice, group, [_span(mappings[r]) for r in group]) for group in groups]
        except ConfigurationError as error:
            if str(error) not in self.refused:
                self.refused.append(str(error))
                log.warning("detector_refused", reason=str(error))
            return
        self._attached.setdefault(asset, []).extend(new)
        if choice.metric is None:
            self.built_in_assets[asset] = False
        else:
            self.built_in_tags[mine] = False

    def _observe(self, asset: int, attached: Attached, value: Floats, fresh: NDArray[np.bool_]) -> float:
        rows, name = list(attached.rows), attached.choice.name
        if not fresh[rows].all():
            return 0.0
        try:
            ratio = attached.observe(value[rows].tolist())
        except Exception as error:  # noqa: BLE001 - the one-tag guard: this detector starts anew, others go on
            self.errors[name] += 1
            log.debug("detector_reset", detector=name, error=str(error))
            attached.reset()
            return 0.0
        if not attached.enabled:
            self.errors[f"{name}: over budget"] += 1
        self._ratio[asset, name] = ratio
        return ratio


def _span(mapping: SignalMapping) -> tuple[float, float] | None:
    for low, high in ((mapping.normal_low, mapping.normal_high), (mapping.low, mapping.high)):
        if low is not None and high is not None and high > low:
            return low, high
    return None


def settings_of(plant: PlantModel, roster: Roster, usual: BuiltIn) -> list[BuiltIn]:
    """The settings of each asset of a roster; one for its asset type beats one for every asset.

    A choice that cannot be read is left out: it is refused where it is made.
    """
    types = {asset.id: asset.asset_type for asset in plant.assets}
    chosen: dict[str | None, BuiltIn] = {}
    for choice in plant.detectors:
        if choice.name == BUILT_IN and choice.metric is None and choice.parameters:
            try:
                chosen[choice.asset_type] = built_in(choice.parameters)
            except ConfigurationError:
                continue
    fallback = chosen.get(None, usual)
    return [chosen.get(types.get(asset_id), fallback) for asset_id in roster.asset_ids]


def per_tag(settings: Sequence[BuiltIn], name: str, asset_row: Rows) -> Floats:
    """One of the settings as an array over the tags of a roster."""
    values = np.array([float(getattr(s, name)) for s in settings], np.float64)
    return values[asset_row] if len(values) else np.zeros(0)
