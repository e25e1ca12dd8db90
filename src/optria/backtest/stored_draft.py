"""A draft of the configuration, and what would be in force with it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from optria.core.asset import DetectorChoice, PlantModel, Threshold
from optria.core.work_order import WorkOrderPolicy
from optria.rca.rules import CausalRule

Setting = TypeVar("Setting", Threshold, DetectorChoice)


@dataclass(frozen=True, slots=True)
class Draft:
    """What would be changed. A rule of ``rules`` takes the place of the one in force with its id.

    ``without_thresholds`` and ``without_detectors`` are taken out of force; ``policy`` None is the tenant's.
    """

    rules: tuple[CausalRule, ...] = ()
    without_rules: frozenset[int] = frozenset()
    thresholds: tuple[Threshold, ...] = ()
    without_thresholds: tuple[Threshold, ...] = ()
    detectors: tuple[DetectorChoice, ...] = ()
    without_detectors: tuple[DetectorChoice, ...] = ()
    policy: WorkOrderPolicy | None = None

    @property
    def changes_detectors(self) -> bool:
        return bool(self.detectors or self.without_detectors)

    @property
    def changes_limits(self) -> bool:
        return bool(self.thresholds or self.without_thresholds)

    @property
    def is_empty(self) -> bool:
        return self == Draft()

    def plant(self, plant: PlantModel) -> PlantModel:
        """The plant as it would be configured."""
        return replace(
            plant,
            thresholds=(*_without(plant.thresholds, self.without_thresholds), *self.thresholds),
            detectors=(*_without(plant.detectors, self.without_detectors), *self.detectors),
        )

    def rules_in_force(self, rules: Iterable[CausalRule]) -> tuple[CausalRule, ...]:
        """The rules that would be asked, in their order."""
        gone = self.without_rules | {rule.id for rule in self.rules}
        kept = [rule for rule in rules if rule.id not in gone]
        return tuple(sorted([*kept, *self.rules], key=lambda rule: (rule.priority, rule.id)))


def _without(in_force: tuple[Setting, ...], gone: tuple[Setting, ...]) -> tuple[Setting, ...]:
    return tuple(one for one in in_force if one not in gone)
