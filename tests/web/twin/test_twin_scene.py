"""How a signal's last hour is drawn."""

import pytest

from optria.web.twin.twin_scene import history_steps


@pytest.mark.parametrize(("scan_s", "steps"), [(1.0, 120), (15.0, 120), (60.0, 30), (3600.0, 2)])
def test_a_slow_signal_is_drawn_in_fewer_steps(scan_s: float, steps: int) -> None:
    assert history_steps(scan_s) == steps
