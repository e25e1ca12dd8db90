"""The signal that stands out most, beside the order of its asset."""

import pytest

from optria.core.roles import Role
from optria.web.order_pages.work_order_signal import standing_out
from optria.web.twin.twin_page_model import SignalView
from tests import factories
from tests.web.house import House


def signal(value: float | None, normal: tuple[float | None, float | None] = (1.0, 3.0)) -> SignalView:
    return SignalView(
        tag=1,
        external_tag="VT-1",
        label="DE vibration",
        metric="vibration",
        unit="mm/s",
        decimals=1,
        range_low=0.0,
        range_high=20.0,
        normal_low=normal[0],
        normal_high=normal[1],
        limits=(("critical", "high", 9.0), ("minor", "high", 4.0)),
        scan_s=1.0,
        value=value,
        time_ms=0,
        quality=0,
        history=(),
        source="",
    )


@pytest.mark.parametrize(
    ("value", "normal", "found"),
    [
        (2.0, (1.0, 3.0), (0, 0.0)),
        (3.5, (1.0, 3.0), (0, 0.25)),
        (0.0, (1.0, 3.0), (0, 0.5)),
        (5.0, (1.0, 3.0), (1, 1.0)),
        (9.5, (None, None), (3, 0.0)),
        (None, (1.0, 3.0), (0, 0.0)),
    ],
)
def test_an_alarm_stands_out_before_a_distance(
    value: float | None, normal: tuple[float | None, float | None], found: tuple[int, float]
) -> None:
    assert standing_out(signal(value, normal)) == found


async def test_an_open_order_shows_what_stands_out_and_a_done_one_does_not(house: House) -> None:
    house.own.stream.put(house.sample(900.0))
    mine = {"assigned_to": house.own.users[Role.ENGINEER].id}
    async with house.database.transaction(house.own.tenant.id) as tx:
        rows = [
            await factories.order(tx, house.own.asset, status=status, **mine) for status in ("open", "closed")
        ]
    async with house.client(Role.ENGINEER) as browser:
        pages = [(await browser.get(f"/work-orders?id={row.id}")).text for row in rows]
    assert [f'data-tag="{house.own.vibration.id}"' in page for page in pages] == [True, False]
