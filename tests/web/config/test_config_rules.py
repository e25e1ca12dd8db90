"""Causal rules over HTTP: checked when saved, tried without a trace, and asked from the next analysis on."""

import pytest
from sqlalchemy import select

from optria.core.roles import Role
from optria.db.blackbox import AnalysisRow, EventRow, IncidentRow, RcaRule
from optria.web.shapes import Json
from tests.web import black_box
from tests.web.house import House
from tests.web.settings import change_events, deeds, done, items, refused

VIBRATES: Json = {"all": [{"metric": "vibration", "direction": "high"}]}
RULE: Json = {
    "name": "Vibration of a pump",
    "root_cause_category": "SEAL_LEAK",
    "confidence": 0.9,
    "pattern": {"asset_types": ["Pump"], **VIBRATES},
}


async def incident(house: House) -> IncidentRow:
    """A rise of the own asset's vibration, analysed by the real Black Box."""
    recorder = black_box.install(house)
    black_box.vibrate(house)
    return await black_box.detected(house, recorder)


async def analysed(house: House, row: IncidentRow) -> dict[str, float]:
    """The root cause scores after another analysis."""
    async with house.client(Role.TENANT_ADMIN) as browser:
        run = await browser.post(f"/api/blackbox/incidents/{row.id}/rca-full")
        assert run.status_code == 200, run.text
        scores: dict[str, float] = (await browser.get(f"/api/blackbox/incidents/{row.id}")).json()[
            "root_cause_scores"
        ]
    return scores


@pytest.mark.clause("A12")
async def test_a_rule_counts_from_the_next_analysis_on_without_a_restart(house: House) -> None:
    row = await incident(house)
    assert "Seal Leak" not in (await analysed(house, row))
    rule = await done(house, "POST", "rules", RULE)
    with_rule = await analysed(house, row)
    assert max(with_rule, key=lambda cause: with_rule[cause]) == "Seal Leak"
    await done(house, "PUT", f"rules/{rule['id']}", {"is_active": False})
    assert "Seal Leak" not in (await analysed(house, row))


@pytest.mark.clause("A16")
async def test_a_trial_says_what_would_match_and_stores_nothing(house: House) -> None:
    row = await incident(house)
    before = await stored(house)
    asked: Json = {
        "incident_id": str(row.id),
        "pattern": {**VIBRATES, "also": [{"metric": "seal_level", "direction": "low"}]},
    }
    tried = await done(house, "POST", "rules/try", asked)
    assert (tried["would_match"], tried["asset_type"]) == (True, "Pump")
    assert tried["unknown_metrics"] == ["seal_level"]
    assert isinstance(tried["met"], list)
    met = tried["met"][0]
    assert met["condition"]["metric"] == "vibration"
    assert met["seen"][0]["score"] >= 3
    assert met["seen"][0]["tag"] == house.own.vibration.id
    assert await stored(house) == before


async def stored(house: House) -> list[int]:
    async with house.database.transaction(house.own.tenant.id) as tx:
        tables = (RcaRule, AnalysisRow, EventRow, IncidentRow)
        counts = [len((await tx.session.scalars(select(table))).all()) for table in tables]
    return [*counts, len(await deeds(house))]


@pytest.mark.clause("A16")
async def test_a_trial_names_what_is_missing(house: House) -> None:
    row = await incident(house)
    pattern: Json = {
        "all": [{"metric": "vibration", "direction": "high"}, {"metric": "pressure", "direction": "low"}]
    }
    tried = await done(house, "POST", "rules/try", {"incident_id": str(row.id), "pattern": pattern})
    assert tried["would_match"] is False
    assert tried["missing"] == [{"metric": "pressure", "direction": "low", "min_score": 3.0, "at": "own"}]
    elsewhere: Json = {"asset_types": ["Valve"], **VIBRATES}
    tried = await done(house, "POST", "rules/try", {"incident_id": str(row.id), "pattern": elsewhere})
    assert (tried["would_match"], tried["holds_for_asset_type"], tried["likelihood"]) == (False, False, 0)


async def test_a_trial_needs_an_incident_of_ones_own_tenant(house: House) -> None:
    row = await incident(house)
    async with house.client(house.other.users[Role.TENANT_ADMIN]) as browser:
        asked = {"incident_id": str(row.id), "pattern": VIBRATES}
        answer = await browser.post("/api/config/rules/try", json=asked)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("pattern", "place"),
    [
        ({}, "'all'"),
        ({"all": []}, "'all'"),
        ({"all": [{"metric": "flow"}]}, "'all', 0, 'direction'"),
        ({"all": [{"metric": "flow", "direction": "sideways"}]}, "'all', 0, 'direction'"),
        ({"all": [{"metric": "flow", "direction": "low", "min_scor": 2}]}, "'all', 0, 'min_scor'"),
        ({**VIBRATES, "also": [{"metric": "", "direction": "low"}]}, "'also', 0, 'metric'"),
        (
            {**VIBRATES, "also": [{"metric": "flow", "direction": "low", "min_score": 0}]},
            "'also', 0, 'min_score'",
        ),
        ({**VIBRATES, "contrary": "flow"}, "'contrary'"),
        ({**VIBRATES, "asset_types": "Pump"}, "'asset_types'"),
        ({**VIBRATES, "any": []}, "'any'"),
    ],
)
async def test_a_wrong_pattern_is_refused_with_its_place(house: House, pattern: Json, place: str) -> None:
    assert place in await refused(house, 422, "POST", "rules", RULE | {"pattern": pattern})
    assert await deeds(house) == []


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"confidence": 0}, 422),
        ({"confidence": 1.01}, 422),
        ({"confidence": 0.001}, 422),
        ({"priority": 0}, 422),
        ({"root_cause_category": "Other"}, 422),
        ({"root_cause_category": "OTHER"}, 422),
        ({"name": "\u0000"}, 422),
        ({"name": None}, 422),
        ({"pattern": None}, 422),
        ({"name": "vibration OF a pump, too"}, 409),
    ],
)
async def test_a_change_is_checked_like_a_new_rule(house: House, change: Json, status: int) -> None:
    await done(house, "POST", "rules", RULE | {"name": "Vibration of a pump, too"})
    rule = await done(house, "POST", "rules", RULE)
    await refused(house, status, "PUT", f"rules/{rule['id']}", change)
    assert (await done(house, "GET", f"rules/{rule['id']}"))["name"] == RULE["name"]


async def test_only_what_is_sent_changes(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE | {"description": "Old", "priority": 20})
    changed = await done(house, "PUT", f"rules/{rule['id']}", {"description": None, "confidence": 0.25})
    same = ("name", "pattern", "priority", "cause", "is_active")
    assert {name: changed[name] for name in same} == {name: rule[name] for name in same}
    assert (changed["description"], changed["confidence"]) == (None, 0.25)
    assert changed["cause"] == "Seal Leak"
    assert await deeds(house) == ["rule_added", "rule_changed"]
    assert len(await change_events(house)) == 2


async def test_rules_of_the_system_are_seen_and_stay(house: House) -> None:
    async with house.database.platform("test") as tx:
        system = RcaRule(
            name="Of the system", pattern=dict(VIBRATES), root_cause_category="BEARING_FAULT", is_system=True
        )
        tx.session.add(system)
        await tx.session.flush()
    (seen,) = await items(house, "rules")
    assert (seen["id"], seen["is_system"], seen["cause"]) == (system.id, True, "Bearing Fault")
    said = await refused(house, 403, "PUT", f"rules/{system.id}", {"is_active": False})
    assert "system" in said
    assert "already" in await refused(house, 409, "POST", "rules", RULE | {"name": "OF THE SYSTEM"})


async def test_a_stored_rule_that_the_analysis_leaves_out_says_why(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        tx.session.add(
            RcaRule(
                tenant_id=house.own.tenant.id,
                name="Of version 1",
                pattern={"all": [{"metric": "vibration", "direction": "up"}]},
                root_cause_category="MECHANICAL_STRESS",
            )
        )
    (seen,) = await items(house, "rules?is_active=true")
    assert "pattern.all[0].direction" in str(seen["problem"])
    assert await items(house, "rules?is_active=false") == []
