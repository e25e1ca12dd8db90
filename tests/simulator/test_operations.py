"""What operators do moves the plant as it should, and leaves nothing behind."""

from functools import cache

import numpy as np
import pytest

from optria.simulator.catalogue import CATALOGUE
from optria.simulator.fault_run import Recording, fault_run
from optria.simulator.operations import ORDER_FIELDS, Operation, ordered


@cache
def run(order: str | None, size: float = 0.0) -> Recording:
    operations = (Operation(order, size, 300.0, 120.0, 900.0),) if order else ()
    return fault_run(None, seed=4, minutes_before=0.0, minutes_after=20.0, operations=operations)


def moved(order: str, size: float) -> dict[str, float]:
    """How far each tag stands from its usual value at the end of the hold."""
    away = (run(order, size).value - run(None).value)[-60:].mean(axis=0)
    return dict(zip(run(None).tags, away, strict=True))


@pytest.mark.parametrize(
    ("order", "size", "tag", "least"),
    [
        ("oil_level", 2.0, "SEP-001.LT-1012", 1.5),
        ("separator_bar", 0.3, "SEP-001.Pressure", 0.2),
        ("cooler_c", 1.5, "E-302.TT-3032", 1.0),
        ("well_rate", 0.04, "SEP-001.FT-1010", 20.0),
        ("turbine_load", 0.05, "TURB-001.JT-5032", 500.0),
        ("standby_run", 1.0, "P-102A.VT-1042", 1.5),
        ("standby_run", 1.0, "P-102A.PT-1045", 35.0),
    ],
)
def test_the_plant_follows_its_orders(order: str, size: float, tag: str, least: float) -> None:
    assert moved(order, size)[tag] > least


def test_the_standby_pump_delivers_nothing_and_disturbs_nobody() -> None:
    away = moved("standby_run", 1.0)
    assert {name.partition(".")[0] for name, by in away.items() if by} == {"P-102A"}
    assert away["P-102A.FT-4010"] == 0.0


def test_an_operation_ramps_holds_and_goes_back() -> None:
    one = Operation("lp_level", 3.0, 100.0, 60.0, 600.0)
    assert [one.asked(t) for t in (99.0, 130.0, 400.0, 790.0, 821.0)] == [0.0, 1.5, 3.0, 1.5, 0.0]
    assert ordered([one, one], 400.0).lp_level == 6.0
    assert ordered([], 0.0) == ordered([one], 0.0)


@pytest.mark.parametrize("order", ORDER_FIELDS)
def test_no_order_is_without_effect(order: str) -> None:
    tags = len(CATALOGUE.tags)
    assert run(order, 1.0).value.shape[1] == tags
    assert not np.allclose(run(order, 1.0).value[-60:], run(None).value[-60:])
