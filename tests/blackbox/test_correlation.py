"""The log lines of one incident are found by its id, from the anchor to the e-mail."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from optria.kit import logs
from optria.work.delivery_channels import CHANNELS
from tests.blackbox.conftest import SmallPlant
from tests.blackbox.test_recorder import anchor, critical, opened
from tests.fakes.mail_server import MailServer
from tests.work.hooks import sender_of, webhook
from tests.work.letters import channel

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Iterator[Lines]:
    """What was logged so far, as JSON lines say it."""
    before = structlog.get_config()
    logs.configure("INFO", json=True)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    structlog.configure(**before)


async def test_one_id_finds_an_incident_from_its_anchor_to_the_mailbox(
    small: SmallPlant, told: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with MailServer().running() as server:
        monkeypatch.setitem(CHANNELS, "email", channel(server.port))
        (incident,) = await opened(small, anchor(small.pumps[0]))
        await sender_of(small.database).drain()
    assert len(server.letters) == 1
    lines = told()
    mine = [line for line in lines if line.get("incident") == str(incident.id)]
    events = [line["event"] for line in mine]
    assert events[0] == "incident_opened"
    for event in ("analysis_stored", "work_order_created", "notified", "delivered"):
        assert event in events, events
    (set_first,) = [line for line in lines if line["event"] == "anchor_set"]
    assert set_first["anchor"] == mine[0]["anchor"]
    assert all(line["tenant"] == small.tenant_id for line in mine if "tenant" in line)


async def test_two_incidents_are_kept_apart(small: SmallPlant, told: Lines) -> None:
    both = await opened(small, critical(small.pumps[0]), critical(small.tank))
    lines = told()
    assert {str(each.id) for each in both} == {line["incident"] for line in lines if "incident" in line}
    for each in both:
        stored = [line for line in lines if line.get("incident") == str(each.id)]
        assert {"analysis_stored", "work_order_created"} <= {line["event"] for line in stored}
        assert {line["asset"] for line in stored if line["event"] == "analysis_stored"} == {
            each.root_asset_id
        }


async def test_a_webhook_that_is_not_reached_names_the_incident(small: SmallPlant, told: Lines) -> None:
    async with small.database.transaction(small.tenant_id) as tx:
        await webhook(tx, "http://127.0.0.1:1/nobody")
    (incident, *_) = await opened(small, anchor(small.pumps[0]))
    await sender_of(small.database).drain()
    refused = [line for line in told() if line["event"] == "not_sent"]
    assert str(incident.id) in {line["incident"] for line in refused}
