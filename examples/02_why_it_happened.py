"""A fault of the simulated plant, analysed: probabilities with their evidence, and the story."""

import numpy as np

from optria.core.asset import Asset, PlantModel
from optria.core.event import EventWindow, Severity
from optria.core.incident import Anchor
from optria.core.tag import SignalMapping, from_micros
from optria.db.starting_rules import read_rules
from optria.rca.case import Case, Series
from optria.rca.engine import analyse
from optria.rca.rules import parse_rule
from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_run import fault_run

run = fault_run("bearing-wear", "P-102B", severity=0.8, seed=3, minutes_before=40, minutes_after=10)
assert run.label is not None
pump = Asset(1, "P-102B", "Crude Export Pump B", "Pump", None, "critical")
tags = [tag for tag in CATALOGUE.tags if tag.asset == pump.code]
mappings = [SignalMapping(n, 1, pump.id, t.name, t.metric, t.unit) for n, t in enumerate(tags, 1)]
column = {name: index for index, name in enumerate(run.tags)}
onset = run.label.started_at
now = from_micros(int(np.max(run.time)))

case = Case(
    incident_id="1",
    number="INC-1",
    severity=Severity.CRITICAL,
    asset=pump,
    plant=PlantModel(1, assets=(pump,), mappings=tuple(mappings)),
    anchor=Anchor(pump.id, onset, 1.5, 0.9, (), "example"),
    window=EventWindow(from_micros(int(run.time[0])), now),
    now=now,
    series=tuple(
        Series(m, run.time, run.value[:, column[m.external_tag]], run.quality[:, column[m.external_tag]])
        for m in mappings
    ),
    rules=tuple(parse_rule(rule) for rule in read_rules()),
)
analysis = analyse(case)
for cause in analysis.causes[:3]:
    print(f"{cause.probability:.2f}  {cause.label}")
    for row in cause.evidence:
        print(f"      {row.share:+.2f}  {row.text}")
print()
print(analysis.story)
