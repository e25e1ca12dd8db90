"""The pages about incidents, as the server writes them."""

from datetime import timedelta
from uuid import uuid4

import pytest

from optria.blackbox.recorder import Recorder
from optria.core.roles import Role
from optria.kit import clock
from tests import factories
from tests.web.black_box import detected, install, priced, vibrate
from tests.web.house import House

LIST = "/blackbox/incidents"
SECRET = "A story that viewers must not read"


@pytest.fixture
async def recorder(house: House) -> Recorder:
    await priced(house)
    vibrate(house)
    return install(house)


@pytest.mark.clause("V7")
async def test_the_page_shows_story_causes_arithmetic_actions_order_and_trends(
    house: House, recorder: Recorder
) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        view = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()
        page = await browser.get(f"{LIST}/{row.id}")
    assert page.status_code == 200
    for text in (view["root_causes"][0]["label"], view["work_order"]["work_order_number"], "8,000"):
        assert text in page.text
    for heading in ("What happened", "Root cause", "Impact", "Recommended actions", "Flight recorder"):
        assert f"<h2>{heading}</h2>" in page.text
    assert f'data-track="{house.own.vibration.id}"' in page.text
    assert 'class="sp-critical"' in page.text
    assert "Run analysis again" in page.text
    assert "style=" not in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize(("language", "said"), [("en", "occurred 3 times"), ("ar", "حدث 3 مرات")])
async def test_an_incident_that_comes_again_says_how_often_it_has_occurred(
    house: House, recorder: Recorder, language: str, said: str
) -> None:
    row = await detected(house, recorder)
    address = f"{LIST}/{row.id}"
    async with house.client(Role.TENANT_ADMIN) as browser:
        browser.cookies.set("optria_lang", language)
        once = await browser.get(address)
        assert [(await detected(house, recorder)).id for _ in range(2)] == [row.id] * 2
        pages = [(await browser.get(one)).text for one in (address, LIST, f"{address}/report")]
        view = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()
    assert view["occurrences"] == 3
    assert [said in page for page in pages] == [True, True, True]
    assert "occurred" not in once.text
    async with house.client(Role.VIEWER) as browser:
        assert "occurred" not in (await browser.get(address)).text


@pytest.mark.parametrize(("language", "heading"), [("en", "What happened"), ("ar", "ما الذي حدث")])
async def test_the_report_is_one_document_in_the_chosen_language(
    house: House, recorder: Recorder, language: str, heading: str
) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = await browser.get(f"{LIST}/{row.id}/report?lang={language}")
        view = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()
    assert page.status_code == 200
    assert f"<h2>{heading}</h2>" in page.text
    assert view["work_order"]["work_order_number"] in page.text
    async with house.client(Role.VIEWER) as browser:
        assert (await browser.get(f"{LIST}/{row.id}/report")).status_code == 403


@pytest.mark.clause("N6")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.VIEWER])
async def test_the_button_to_analyse_is_there_for_those_who_may(
    house: House, recorder: Recorder, role: Role
) -> None:
    row = await detected(house, recorder)
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await tx.session.merge(row)
        row.assigned_to = house.own.users[Role.ENGINEER].id
    async with house.client(role) as browser:
        page = await browser.get(f"{LIST}/{row.id}")
    assert page.status_code == 200
    assert ("/rca-full" in page.text) is (role is not Role.ENGINEER)
    assert "/acknowledge" in page.text


async def test_a_viewer_reads_the_summary_only(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        scores = {"Seal Leak": 0.9, "Other": 0.1}
        row = await factories.incident(tx, house.own.asset, event_story=SECRET, root_cause_scores=scores)
    async with house.client(Role.VIEWER) as browser:
        detail, listed = await browser.get(f"{LIST}/{row.id}"), await browser.get(LIST)
    for page in (detail, listed):
        assert page.status_code == 200
        assert row.incident_number is not None
        assert row.incident_number in page.text
        main = page.text[page.text.index("<main") :]
        assert SECRET not in main
        assert "Seal Leak" not in main
        assert "data-post" not in main


async def test_the_page_reads_arabic(house: House, recorder: Recorder) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(f"{LIST}/{row.id}?lang=ar")).text
    assert 'dir="rtl"' in page
    assert "ما الذي حدث" in page
    assert "السبب الجذري" in page


async def test_an_incident_of_v1_without_analysis_rows_has_a_page(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(
            tx,
            house.own.asset,
            window_start=None,
            window_end=None,
            anchored_at=None,
            root_cause_scores={"BEARING_FAULT": 0.8, "PUMP_CAVITATION": 0.2},
        )
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = await browser.get(f"{LIST}/{row.id}")
    assert page.status_code == 200
    assert "Bearing Fault" in page.text


async def test_order_button_only_where_there_is_no_order(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset)
        ordered = await factories.incident(tx, house.own.asset)
        await factories.order(tx, house.own.asset, incident_id=str(ordered.id))
    async with house.client(Role.OPTIMIZATION_ENGINEER) as browser:
        without = (await browser.get(f"{LIST}/{row.id}")).text
        with_order = (await browser.get(f"{LIST}/{ordered.id}")).text
    assert f"/api/blackbox/incidents/{row.id}/work-order" in without
    assert f"/api/blackbox/incidents/{ordered.id}/work-order" not in with_order


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("", "No incidents yet"),
        ("?status=CLOSED", "No incidents yet"),
    ],
)
async def test_an_empty_list_says_why(house: House, query: str, words: str) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert words in (await browser.get(LIST + query)).text


async def test_a_filter_that_fits_nothing_says_so(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        await factories.incident(tx, house.own.asset, status="CLOSED")
    async with house.client(Role.TENANT_ADMIN) as browser:
        quiet, nothing = await browser.get(LIST), await browser.get(f"{LIST}?q=%25&status=all")
    assert "No active incidents" in quiet.text
    assert "No incident fits this filter" in nothing.text


async def test_titles_are_text_and_never_markup(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset, title="<script>alert(1)</script> on P-1")
    async with house.client(Role.TENANT_ADMIN) as browser:
        for page in (await browser.get(LIST), await browser.get(f"{LIST}/{row.id}")):
            assert "<script>alert" not in page.text


async def test_the_recording_has_the_points_of_the_trends(house: House, recorder: Recorder) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        recording = (await browser.get(f"/api/blackbox/incidents/{row.id}/recording")).json()
    first = recording["tracks"][0]
    assert first["tag"] == house.own.vibration.id
    assert len(first["x"]) == len(first["value"]) > 100
    assert first["x"] == sorted(first["x"])
    assert recording["now_x"] is not None


async def test_unknown_incidents_are_not_found(house: House) -> None:
    async with house.client(Role.TENANT_ADMIN) as browser:
        assert (await browser.get(f"{LIST}/{uuid4()}")).status_code == 404
        assert (await browser.get(f"{LIST}/7")).status_code == 422


async def test_the_gravest_come_first_and_of_one_severity_the_newest(house: House) -> None:
    start = clock.now()
    given = [("MINOR", 1), ("CRITICAL", 30), ("MAJOR", 2), ("CRITICAL", 20), ("odd", 0)]
    async with house.database.transaction(house.own.tenant.id) as tx:
        rows = [
            await factories.incident(
                tx, house.own.asset, severity=severity, start_time=start - timedelta(minutes=ago)
            )
            for severity, ago in given
        ]
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(LIST)).text
        listed = (await browser.get("/api/blackbox/incidents")).json()["incidents"]
    main = page[page.index("<main") :]
    places = [main.index(str(row.id)) for row in rows]
    assert sorted(range(5), key=places.__getitem__) == [3, 1, 2, 0, 4]
    assert [row["id"] for row in listed] == [str(rows[i].id) for i in (4, 0, 2, 3, 1)]


@pytest.mark.parametrize("role", list(Role))
async def test_an_incident_is_resolved_by_those_who_may(house: House, role: Role) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset, assigned_to=house.own.users[Role.ENGINEER].id)
    may = role not in (Role.ENGINEER, Role.VIEWER)
    async with house.client(role) as browser:
        before = (await browser.get(f"{LIST}/{row.id}")).text
        address = f"/api/blackbox/incidents/{row.id}?tenant_id={row.tenant_id}"
        answer = await browser.put(address, json={"status": "RESOLVED"})
        after = (await browser.get(f"{LIST}/{row.id}")).text
    assert (f'data-post="{address}"' in before) is may
    assert answer.status_code == (200 if may else 403)
    assert ("Resolved" in after[after.index("<main") :]) is may
    assert "resolve-incident" not in after or not may


async def test_an_engineer_is_told_that_a_colleague_has_the_order(house: House) -> None:
    engineer, colleague = house.own.users[Role.ENGINEER], house.own.users[Role.TENANT_ADMIN]
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(tx, house.own.asset, assigned_to=engineer.id)
        await factories.order(tx, house.own.asset, incident_id=str(row.id), assigned_to=colleague.id)
    async with house.client(Role.ENGINEER) as browser:
        page = (await browser.get(f"{LIST}/{row.id}")).text
    assert "A colleague has it." in page


@pytest.mark.parametrize("end", ["", "/report"])
async def test_impact_of_v1_without_its_parts_is_shown_as_far_as_known(house: House, end: str) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = await factories.incident(
            tx,
            house.own.asset,
            financial_impact_estimate={"total_estimated_cost": 54_321_000},
            carbon_impact_estimate={"carbon_kg": 12.5},
        )
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = await browser.get(f"{LIST}/{row.id}{end}")
    assert page.status_code == 200
    assert "54,321,000" in page.text
    assert "12.5" in page.text


async def test_energy_that_was_partly_measured_says_how_much_was_not(house: House) -> None:
    energy = {"energy_used_kwh": 10.0, "carbon_factor": 0.5, "carbon_kg": 5.0, "assumed": True}
    source = "grid; 40 % of the window at typical power (90 kW)"
    async with house.database.transaction(house.own.tenant.id) as tx:
        estimate = energy | {"source": source}
        row = await factories.incident(tx, house.own.asset, carbon_impact_estimate=estimate)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(f"{LIST}/{row.id}")).text
    assert 'class="">40 %</bdi> of the window at typical consumption' in page


async def test_the_report_has_the_evidence_and_a_print_button(house: House, recorder: Recorder) -> None:
    row = await detected(house, recorder)
    async with house.client(Role.TENANT_ADMIN) as browser:
        page = (await browser.get(f"{LIST}/{row.id}/report")).text
        view = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()
    texts = [row["text"] for cause in view["root_causes"] for row in cause["evidence"]]
    assert texts
    assert page.count("data-evidence") >= len(texts)
    assert "data-print" in page
    assert "<script>" not in page
