"""The scoreboard over HTTP and as a page: figures of the viewer's tenant, for engineers and above."""

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.learning import CauseCalibration, CauseConfirmation
from optria.kit import clock
from optria.rca.scoreboard import Bin
from optria.web.filters import age
from optria.web.incidents.scoreboard_views import SIZE, reliability_curve
from tests.web.house import House, Household

API, PAGE = "/api/blackbox/quality", "/quality"
SAID = {"scores": {"Seal Leak": 0.7, "Bearing Fault": 0.2, "Other": 0.1}, "calibration": 1.0, "final": True}


async def found(house: House, household: Household, cause: str | None, **values: object) -> None:
    async with house.database.transaction(household.tenant.id) as tx:
        known = (await tx.session.scalars(select(CauseConfirmation))).all()
        defaults = {
            "subject": f"order:{len(known) + 1}",
            "asset_id": household.asset.id,
            "asset_type": "Pump",
            "final_said": SAID,
            "ordered_said": SAID,
            "confirmed_at": clock.now(),
        }
        tx.session.add(CauseConfirmation(tenant_id=household.tenant.id, cause=cause, **defaults | values))


async def test_the_figures_are_those_of_the_confirmed_cases(house: House) -> None:
    for cause in ("Seal Leak", "Seal Leak", "Bearing Fault"):
        await found(house, house.own, cause)
    await found(house, house.own, None, is_fault=False)
    await found(house, house.other, "Utility Loss")
    async with house.client(Role.ENGINEER) as browser:
        told = (await browser.get(API)).json()
    assert told["total"]["final"]["top1"]["hits"] == 2
    assert told["total"]["final"]["top1"]["n"] == 3
    assert told["total"]["final"]["top3"]["value"] == 1.0
    assert told["total"]["false_incidents"]["value"] == 0.25
    assert [(line["cause"], line["cause_code"], line["confirmed"]) for line in told["lines"]] == [
        ("Seal Leak", "SEAL_LEAK", 2),
        ("Bearing Fault", "BEARING_FAULT", 1),
    ]
    assert told["confusion"] == [
        {"said": "Seal Leak", "was": "Seal Leak", "n": 2},
        {"said": "Seal Leak", "was": "Bearing Fault", "n": 1},
    ]
    assert "Utility Loss" not in str(told)


async def test_filters_by_type_and_time(house: House) -> None:
    await found(house, house.own, "Seal Leak", asset_type="Compressor")
    await found(house, house.own, "Seal Leak", confirmed_at=clock.now().replace(year=2024))
    async with house.client(Role.TENANT_ADMIN) as browser:
        counts = [
            (await browser.get(f"{API}?{query}")).json()["total"]["final"]["top1"]["n"]
            for query in ("", "days=30", "asset_type=Pump", "end_date=2025-01-01", "start_date=2025-01-01")
        ]
        refused = (await browser.get(f"{API}?days=0")).status_code
    assert counts == [2, 1, 1, 1, 1]
    assert refused == 422


async def test_the_page_shows_them_in_both_languages(house: House) -> None:
    await found(house, house.own, "Seal Leak", lead_s=540.0, lead_until="critical")
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(
            CauseCalibration(tenant_id=house.own.tenant.id, factor=1.31, cases=1, fitted_at=clock.now())
        )
    async with house.client(Role.ENGINEER) as browser:
        english = (await browser.get(PAGE)).text
        arabic = (await browser.get(f"{PAGE}?lang=ar&days=90&asset_type=Pump")).text
    for text in (
        "Seal Leak",
        "By cause and asset type",
        age(540.0),
        "T × 1.31",
        "less sure than it would be",
    ):
        assert text in english
    assert "تسرب مانع التسرب" in arabic
    assert "style=" not in english


async def test_before_anything_was_confirmed_the_page_says_what_to_do(house: House) -> None:
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(PAGE)).text
    assert "Nothing was confirmed yet" in page


@pytest.mark.clause("G6")
async def test_a_viewer_sees_no_quality(house: House) -> None:
    async with house.client(Role.VIEWER) as browser:
        assert [(await browser.get(path)).status_code for path in (API, PAGE)] == [403, 403]
        assert 'href="/quality"' not in (await browser.get("/digital-twin")).text


async def test_a_platform_owner_reads_over_all_tenants(house: House) -> None:
    await found(house, house.own, "Seal Leak")
    await found(house, house.other, "Seal Leak")
    async with house.client(Role.PLATFORM_OWNER) as browser:
        everywhere = (await browser.get(API)).json()
        one = (await browser.get(f"{API}?tenant_id={house.own.tenant.id}")).json()
        assert (await browser.get(PAGE)).status_code == 200
    assert (everywhere["total"]["final"]["top1"]["n"], everywhere["calibration"]) == (2, None)
    assert one["total"]["final"]["top1"]["n"] == 1


def test_the_curve_goes_up_where_more_was_found() -> None:
    bins = (Bin(0.0, 0.1, 100, 0.05, 0.1), Bin(0.1, 0.2, 0, None, None), Bin(0.9, 1.0, 25, 0.95, 1.0))
    curve = reliability_curve(bins)
    assert [(dot.x, dot.y) for dot in curve.dots] == [(0.05 * SIZE, 0.9 * SIZE), (0.95 * SIZE, 0.0)]
    assert curve.dots[0].radius == pytest.approx(2 * curve.dots[1].radius)
    assert reliability_curve(()).points == ""


def test_a_line_is_drawn_through_enough_cases_only() -> None:
    few, many = (tuple(Bin(i / 10, (i + 1) / 10, n, i / 10, i / 10) for i in (2, 7)) for n in (4, 20))
    assert (reliability_curve(few).points, len(reliability_curve(many).points.split())) == ("", 2)
