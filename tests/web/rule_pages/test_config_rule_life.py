"""The life of a causal rule over HTTP: drafts wait, published ones count, and one can go back."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from optria.backtest.stored import Asked, Outcome
from optria.backtest.stored_draft import Draft
from optria.backtest.stored_jobs import Job, JobState
from optria.backtest.stored_outcome import Side
from optria.core.roles import Role
from optria.db.blackbox import RcaRule, RuleRevision
from optria.kit import clock
from optria.rca.rules import parse_rule
from optria.web.shapes import Json
from tests.web.config.test_config_rules import RULE, VIBRATES, analysed, incident
from tests.web.house import House
from tests.web.settings import ask, change_events, deeds, done, refused

CONTENT: Json = {**RULE, "priority": 100, "description": None}
NO_TEST: Json = {"without_back_test": True}


async def drafted(house: House, **other: object) -> Json:
    return await done(house, "POST", "rules", {**RULE, "is_active": False, **other})


async def saved(house: House, rule: Json, **other: object) -> Json:
    body = {**CONTENT, "version": rule["version"], **other}
    return await done(house, "PUT", f"rules/{rule['id']}/draft", body)


async def published(house: House, rule: Json) -> Json:
    return await done(house, "POST", f"rules/{rule['id']}/publish", {"version": rule["version"], **NO_TEST})


async def steps(house: House, rule: Json) -> list[tuple[object, object]]:
    """(version, deed), the oldest first."""
    found = (await done(house, "GET", f"rules/{rule['id']}/revisions"))["items"]
    assert isinstance(found, list)
    return [(one["version"], one["deed"]) for one in reversed(found)]


async def test_a_draft_counts_only_once_it_is_published(house: House) -> None:
    row = await incident(house)
    rule = await drafted(house)
    assert (rule["state"], rule["version"], rule["is_active"]) == ("draft", 1, False)
    assert await change_events(house) == []
    assert "Seal Leak" not in (await analysed(house, row))
    rule = await published(house, rule)
    assert (rule["state"], rule["version"], rule["draft"]) == ("published", 2, None)
    assert "Seal Leak" in (await analysed(house, row))
    rule = await done(house, "POST", f"rules/{rule['id']}/retire", {"version": 2})
    assert (rule["state"], rule["version"]) == ("retired", 3)
    assert "Seal Leak" not in (await analysed(house, row))
    assert await steps(house, rule) == [(1, "drafted"), (2, "published"), (3, "retired")]
    assert [event.payload["action"] for event in await change_events(house) if event.payload] == [
        "rule_published",
        "rule_retired",
    ]


async def test_what_is_in_force_stays_while_a_draft_waits(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE)
    rule = await saved(house, rule, confidence=0.2, name="Another name")
    assert (rule["name"], rule["confidence"], rule["state"]) == (RULE["name"], 0.9, "published")
    draft = rule["draft"]
    assert isinstance(draft, dict)
    assert (draft["name"], draft["confidence"]) == ("Another name", 0.2)
    rule = await published(house, rule)
    assert (rule["name"], rule["confidence"], rule["draft"]) == ("Another name", 0.2, None)


async def test_publishing_without_a_back_test_must_be_said(house: House) -> None:
    rule = await drafted(house)
    said = await refused(house, 409, "POST", f"rules/{rule['id']}/publish", {"version": rule["version"]})
    assert "back-test" in said
    assert (await done(house, "GET", f"rules/{rule['id']}"))["state"] == "draft"


async def test_a_back_test_of_the_draft_is_kept_with_the_version(house: House) -> None:
    rule = await drafted(house)
    end = clock.now() - timedelta(hours=1)
    tried = parse_rule({**RULE, "id": -1, "name": "By another name"})
    asked = Asked(house.own.tenant.id, end - timedelta(hours=6), end, Draft(rules=(tried,)))
    job: Job = house.app.state.back_tests.start(asked, (), house.user(Role.TENANT_ADMIN).id)
    side = Side((), (), 0, (), is_cut=False)
    job.outcome = Outcome(asked, side, side, (), 100, 1.0, ((asked.start, asked.end),))
    job.end(JobState.DONE)
    await done(house, "POST", f"rules/{rule['id']}/publish", {"version": rule["version"]})
    newest = (await done(house, "GET", f"rules/{rule['id']}/revisions"))["items"]
    assert isinstance(newest, list)
    assert newest[0]["proof"]["back_test_id"] == str(job.id)
    assert newest[0]["proof"]["draft"]["incidents"] == 0


async def test_another_draft_has_no_proof_in_that_back_test(house: House) -> None:
    rule = await drafted(house, confidence=0.3)
    end = clock.now() - timedelta(hours=1)
    tried = parse_rule({**RULE, "id": -1})
    asked = Asked(house.own.tenant.id, end - timedelta(hours=6), end, Draft(rules=(tried,)))
    job: Job = house.app.state.back_tests.start(asked, (), house.user(Role.TENANT_ADMIN).id)
    side = Side((), (), 0, (), is_cut=False)
    job.outcome = Outcome(asked, side, side, (), 100, 1.0, ((asked.start, asked.end),))
    job.end(JobState.DONE)
    await refused(house, 409, "POST", f"rules/{rule['id']}/publish", {"version": rule["version"]})


@pytest.mark.parametrize(
    ("method", "step", "body"),
    [
        ("PUT", "draft", CONTENT),
        ("POST", "publish", NO_TEST),
        ("POST", "retire", {}),
        ("POST", "revert", {"to": 1}),
    ],
)
async def test_who_was_slower_is_told(house: House, method: str, step: str, body: Json) -> None:
    rule = await done(house, "POST", "rules", RULE)
    await saved(house, rule, confidence=0.4)
    said = await refused(house, 409, method, f"rules/{rule['id']}/{step}", {**body, "version": 1})
    assert "version 2" in said
    change: Json = {"version": 1, "confidence": 0.1}
    assert "version 2" in await refused(house, 409, "PUT", f"rules/{rule['id']}", change)


async def test_the_way_back_is_a_new_version(house: House) -> None:
    rule = await done(house, "POST", "rules", RULE)
    rule = await published(house, await saved(house, rule, confidence=0.2))
    rule = await done(house, "POST", f"rules/{rule['id']}/revert", {"version": 3, "to": 1})
    assert (rule["version"], rule["confidence"], rule["state"]) == (4, 0.9, "published")
    rule = await done(house, "POST", f"rules/{rule['id']}/revert", {"version": 4, "to": 2})
    assert (rule["version"], rule["confidence"]) == (5, 0.9)
    draft = rule["draft"]
    assert isinstance(draft, dict)
    assert draft["confidence"] == 0.2
    assert await steps(house, rule) == [
        (1, "published"),
        (2, "drafted"),
        (3, "published"),
        (4, "reverted"),
        (5, "drafted"),
    ]
    said = await refused(house, 404, "POST", f"rules/{rule['id']}/revert", {"version": 5, "to": 9})
    assert "no version 9" in said


async def test_a_rule_of_before_has_how_it_was_found_in_its_history(house: House) -> None:
    async with house.database.transaction(house.own.tenant.id) as tx:
        row = RcaRule(
            tenant_id=house.own.tenant.id,
            name="Of version 1",
            pattern=dict(VIBRATES),
            root_cause_category="SEAL_LEAK",
            is_active=True,
        )
        tx.session.add(row)
    rule = await done(house, "GET", f"rules/{row.id}")
    assert (rule["version"], await steps(house, rule)) == (0, [])
    rule = await saved(house, rule)
    assert await steps(house, rule) == [(1, "found"), (2, "drafted")]
    rule = await published(house, rule)
    rule = await done(house, "POST", f"rules/{row.id}/revert", {"version": 3, "to": 1})
    assert (rule["name"], rule["confidence"]) == ("Of version 1", None)


async def test_a_draft_can_be_discarded(house: House) -> None:
    rule = await saved(house, await done(house, "POST", "rules", RULE), confidence=0.2)
    rule = await done(house, "DELETE", f"rules/{rule['id']}/draft?version=2")
    assert (rule["state"], rule["draft"], rule["confidence"]) == ("published", None, 0.9)
    await refused(house, 409, "DELETE", f"rules/{rule['id']}/draft?version=3")
    other = await drafted(house, name="Never in force")
    other = await done(house, "DELETE", f"rules/{other['id']}/draft?version=1")
    assert other["state"] == "retired"


async def test_a_draft_is_checked_like_a_rule(house: House) -> None:
    await done(house, "POST", "rules", RULE | {"name": "Taken"})
    rule = await done(house, "POST", "rules", RULE)
    body = {**CONTENT, "version": 1}
    await refused(house, 409, "PUT", f"rules/{rule['id']}/draft", body | {"name": "taken"})
    await refused(house, 422, "PUT", f"rules/{rule['id']}/draft", body | {"root_cause_category": "Other"})
    await refused(house, 422, "PUT", f"rules/{rule['id']}/draft", body | {"pattern": {"all": []}})
    assert await deeds(house) == ["rule_added", "rule_added"]


@pytest.mark.parametrize(
    "role", [Role.VIEWER, Role.ENGINEER, Role.OPTIMIZATION_ENGINEER], ids=lambda role: str(role.value)
)
async def test_only_administrators_change_rules(house: House, role: Role) -> None:
    rule = await drafted(house)
    for method, step in (("PUT", "draft"), ("POST", "publish"), ("POST", "retire"), ("POST", "revert")):
        answer = await ask(house, method, f"rules/{rule['id']}/{step}", {**CONTENT, "version": 1}, role)
        assert answer.status_code == 403
    seen = (await ask(house, "GET", f"rules/{rule['id']}/revisions", None, role)).status_code
    assert seen == (403 if role is Role.VIEWER else 200)


async def test_a_rule_of_the_system_has_no_drafts(house: House) -> None:
    async with house.database.platform("test") as tx:
        system = RcaRule(
            name="Of the system", pattern=dict(VIBRATES), root_cause_category="BEARING_FAULT", is_system=True
        )
        tx.session.add(system)
        await tx.session.flush()
    await refused(house, 403, "PUT", f"rules/{system.id}/draft", {**CONTENT, "version": 0})


async def test_the_history_cannot_be_rewritten(house: House) -> None:
    await drafted(house)
    with pytest.raises(Exception, match="permission denied"):
        async with house.database.transaction(house.own.tenant.id) as tx:
            await tx.session.execute(text("UPDATE rca_rule_revisions SET deed = 'x'"))
    async with house.database.transaction(house.own.tenant.id) as tx:
        kept = (await tx.session.scalars(select(RuleRevision.deed))).all()
    assert list(kept) == ["drafted"]


@pytest.mark.clause("A16")
async def test_a_trial_with_a_cause_shows_the_causes_before_and_after(house: House) -> None:
    row = await incident(house)
    asked: Json = {
        "incident_id": str(row.id),
        "pattern": VIBRATES,
        "confidence": 0.9,
        "root_cause_category": "SEAL_LEAK",
    }
    tried = await done(house, "POST", "rules/try", asked)
    causes = tried["causes"]
    assert isinstance(causes, list)
    assert causes[0]["cause"] == "Seal Leak"
    assert causes[0]["before"] < causes[0]["after"]
    assert sum(one["after"] for one in causes) == pytest.approx(1, abs=0.01)
    del asked["root_cause_category"]
    assert (await done(house, "POST", "rules/try", asked))["causes"] is None
