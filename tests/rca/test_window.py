"""How far an analysis looks, and by whose setting."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optria.rca.window import WindowSetting, window_around
from tests.rca.cases import ANCHOR

TENANT = WindowSetting(20, 25)
PUMPS = WindowSetting(10, 15, "Pump")


@pytest.mark.clause("A7")
@pytest.mark.parametrize(
    ("settings", "before", "after"),
    [((), 30, 30), ((TENANT,), 20, 25), ((TENANT, PUMPS), 10, 15), ((WindowSetting(5, 5, "Valve"),), 30, 30)],
)
def test_the_asset_type_goes_before_the_tenant_before_the_default(
    settings: tuple[WindowSetting, ...], before: int, after: int
) -> None:
    window = window_around(ANCHOR, "pump", settings)
    assert ANCHOR - window.start == timedelta(minutes=before)
    assert window.end - ANCHOR == timedelta(minutes=after)


@pytest.mark.clause("A7", "A8")
@given(st.floats(0.1, 1000), st.floats(0.1, 1000))
def test_both_ends_belong_to_the_window(before: float, after: float) -> None:
    window = window_around(ANCHOR, "Pump", [WindowSetting(before, after)])
    tick = timedelta(microseconds=1)
    assert window.start in window
    assert window.end in window
    assert window.start - tick not in window
    assert window.end + tick not in window
