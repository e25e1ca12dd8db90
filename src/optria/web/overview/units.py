"""The table of the overview: every site, and under it the assets that had something to tell."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from optria.core.asset import PlantModel
from optria.web.assets.asset_views import Found
from optria.web.assets.condition import NORMAL_FROM, Condition, Scores
from optria.web.overview.overview_model import Sum, Unit
from optria.web.overview.overview_reading import IncidentFact, OrderFact
from optria.web.overview.periods import Period
from optria.web.overview.state_bar import HEIGHTS, Span, gaps_of, marks_of
from optria.web.rendering import SiteLink

ASSETS_SHOWN: Final = 5
"""Of one site, the gravest first."""
TAGS_ASKED: Final = 4
"""Whether a unit had data is told by so many of its signals."""


class Units:
    """What the table says, counted once per asset and site."""

    def __init__(
        self,
        sites: Sequence[SiteLink],
        assets: Sequence[Found],
        scores: Scores,
        incidents: Iterable[IncidentFact],
        orders: Iterable[OrderFact],
        period: Period,
    ) -> None:
        self._period = period
        self._sites = sites or _sites_of(assets)
        self._health = {found[0].id: Condition(found[0], found[2], scores).health for found in assets}
        self._incidents: dict[int, list[IncidentFact]] = defaultdict(list)
        self._orders: dict[int, int] = defaultdict(int)
        for fact in incidents:
            self._incidents[fact.asset_id or 0].append(fact)
        for order in orders:
            self._orders[order.asset_id or 0] += order.count
        self._assets: dict[int, list[Found]] = defaultdict(list)
        for found in assets:
            self._assets[found[0].site_id or 0].append(found)
        self._shown = {site.id: self._telling(site.id) for site in self._sites}

    def _telling(self, site_id: int) -> list[Found]:
        """The assets of a site with incidents, open orders or poor health, gravest first."""
        telling = [
            found
            for found in self._assets[site_id]
            if self._incidents[found[0].id]
            or self._orders[found[0].id]
            or (self._known_health(found) < NORMAL_FROM)
        ]
        telling.sort(key=lambda found: (-_gravity(self._incidents[found[0].id]), self._known_health(found)))
        return telling[:ASSETS_SHOWN]

    def _known_health(self, found: Found) -> float:
        health = self._health[found[0].id]
        return 100.0 if health is None else health

    def tags(
        self, plants: Callable[[int], PlantModel], tenants: Iterable[int]
    ) -> Mapping[int, Sequence[int]]:
        """Some signals of each unit, by asset id, and by minus the id of a site."""
        of_asset: dict[int, list[int]] = defaultdict(list)
        for tenant_id in tenants:
            for mapping in plants(tenant_id).mappings:
                of_asset[mapping.asset_id].append(mapping.id)
        asked: dict[int, Sequence[int]] = {}
        for site in self._sites:
            firsts = [of_asset[found[0].id][0] for found in self._assets[site.id] if of_asset[found[0].id]]
            asked[-site.id] = firsts[:TAGS_ASKED]
            asked |= {found[0].id: of_asset[found[0].id][:TAGS_ASKED] for found in self._shown[site.id]}
        return asked

    def lines(self, coverage: Mapping[int, Sequence[bool]]) -> Iterator[Unit]:
        for site in self._sites:
            yield self._site(site, coverage)
            for found in self._shown[site.id]:
                yield self._asset(found, coverage)

    def _site(self, site: SiteLink, coverage: Mapping[int, Sequence[bool]]) -> Unit:
        own = [found[0] for found in self._assets[site.id]]
        facts = [fact for row in own for fact in self._incidents[row.id]]
        known = [(health, row.code) for row in own if (health := self._health[row.id]) is not None]
        health, lowest = min(known, default=(None, ""))
        return Unit(
            code=site.code,
            name=site.name,
            name_ar=site.name_ar,
            href=f"/digital-twin/{site.code}",
            is_site=True,
            health=health,
            lowest=lowest,
            severity=_worst(facts),
            marks=marks_of(_spans(facts), self._period),
            gaps=gaps_of(coverage.get(-site.id, ())),
            open_orders=sum(self._orders[row.id] for row in own),
            risk=sums_of(facts),
        )

    def _asset(self, found: Found, coverage: Mapping[int, Sequence[bool]]) -> Unit:
        row, facts = found[0], self._incidents[found[0].id]
        return Unit(
            code=row.code,
            name=row.name,
            name_ar=row.name_ar or "",
            href=f"/assets/{row.id}",
            is_site=False,
            health=self._health[row.id],
            lowest="",
            severity=_worst(facts),
            marks=marks_of(_spans(facts), self._period),
            gaps=gaps_of(coverage.get(row.id, ())),
            open_orders=self._orders[row.id],
            risk=sums_of(facts),
        )


def _sites_of(assets: Iterable[Found]) -> Sequence[SiteLink]:
    """The sites that the assets stand at: for a platform owner, whose frame names none."""
    rows = {site.id: site for _, site, _ in assets if site is not None}
    return [SiteLink(row.id, row.code, row.name, row.name_ar or "") for row in rows.values()]


def _spans(facts: Iterable[IncidentFact]) -> Iterator[Span]:
    return ((fact.severity, fact.start, fact.end) for fact in facts)


def _worst(facts: Iterable[IncidentFact]) -> str:
    """The severity of the gravest active incident, empty without one."""
    active = [fact.severity for fact in facts if fact.is_active]
    return max(active, key=lambda key: HEIGHTS.get(key, 0), default="")


def _gravity(facts: Iterable[IncidentFact]) -> int:
    return HEIGHTS.get(_worst(facts), 0)


def sums_of(facts: Iterable[IncidentFact]) -> tuple[Sum, ...]:
    """What the active ones put at risk, one sum for each currency, the largest first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for fact in facts:
        if fact.is_active and fact.money is not None:
            sums[fact.currency] += fact.money
    return tuple(Sum(currency, sums[currency]) for currency in sorted(sums, key=lambda c: -sums[c]))
