"""The scenarios of ``optria smoke``: what a user would see, checked clause by clause."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from optria.cli.demo import plant_process, seed
from optria.cli.running import NotInTimeError, UserClient, running, signed_in, until
from optria.core.errors import OptriaError
from optria.core.roles import Role
from optria.db.installation import ready_database
from optria.db.seed import PEOPLE
from optria.kit import clock
from optria.kit.settings import Settings
from optria.simulator.addresses import PlantAddresses
from optria.simulator.catalogue import CATALOGUE

Say = Callable[[str], None]

BY_HAND = (
    "make demo, then sign in as demo@aramco.com / Demo2024! on the printed address.",
    "In another terminal: optria simulate fault bearing-wear P-102B --severity 0.8 --ramp 60s",
    "Or on the Live twin: pick an asset and press Run Black Box analysis.",
)
LEFT_TO_DO = (
    "Screens for webhooks and sending e-mail: until then HTTP (see /docs) and environment variables.",
    "SMS: only its seam is there, optria.work.delivery_channels.Channel; e-mail and webhooks are sent.",
)


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    ok: bool
    detail: str


@dataclass(slots=True)
class Report:
    """What was played and found. ``ok`` when every step succeeded."""

    steps: list[Step] = field(default_factory=list)
    timeline: dict[str, str] = field(default_factory=dict)
    latency_ms: dict[str, float] = field(default_factory=dict)
    recording: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "steps": [{"name": s.name, "ok": s.ok, "detail": s.detail} for s in self.steps],
            "timeline": self.timeline,
            "latency_ms": self.latency_ms,
            **({"recording": self.recording} if self.recording else {}),
            "by_hand": list(BY_HAND),
            "left_to_do": list(LEFT_TO_DO),
        }

    def lines(self) -> list[str]:
        lines = ["", *(f"  {'ok  ' if s.ok else 'FAIL'}  {s.name}: {s.detail}" for s in self.steps)]
        if self.timeline:
            lines += ["", "Timeline of the incident"]
            lines += [f"  {when}  {what}" for what, when in self.timeline.items()]
        lines += [f"  {name}: {value:.0f} ms" for name, value in self.latency_ms.items()]
        lines += ["", "By hand", *(f"  {line}" for line in BY_HAND)]
        return [*lines, "", "Left to do", *(f"  {line}" for line in LEFT_TO_DO)]


class Player:
    """Plays steps and writes the report; a failed step ends the play."""

    def __init__(self, say: Say) -> None:
        self.report = Report()
        self.say = say

    @asynccontextmanager
    async def step(self, name: str) -> AsyncGenerator[list[str]]:
        detail: list[str] = []
        self.say(f"… {name}")
        try:
            yield detail
        except (OptriaError, AssertionError) as error:
            self.report.steps.append(Step(name, False, str(error) or "an expectation was not met"))
            raise StopError from error
        self.report.steps.append(Step(name, True, "; ".join(detail)))


class StopError(Exception):
    """A step failed; its report says how."""


@dataclass(slots=True)
class _Heard:
    """Notification frames as they arrive, by the entity they speak of."""

    at: dict[str, datetime] = field(default_factory=dict)

    def __call__(self, arrived: datetime, item: dict[str, Any]) -> None:
        notification = item.get("notification")
        if notification:
            self.at.setdefault(notification["action_url"], arrived)


async def play(settings: Settings, say: Say) -> Report:
    """A critical event from an operator's system (V1-V5), then a fault of the plant that nobody reports."""
    player = Player(say)
    async with AsyncExitStack() as stack:
        try:
            await _play(player, settings, stack)
        except StopError:
            return player.report
    return player.report


async def _play(player: Player, settings: Settings, stack: AsyncExitStack) -> None:
    async with player.step("plant, database and server start") as detail:
        addresses = await stack.enter_async_context(plant_process(settings))
        url = await stack.enter_async_context(ready_database(settings))
        await seed(url, CATALOGUE, addresses)
        settings = settings.model_copy(update={"simulator_url": addresses.control_url})
        base = await stack.enter_async_context(running(settings, url))
        admin, engineers = await _sign_in(stack, base)
        detail.append(f"{len(CATALOGUE.tags)} tags over {', '.join(sorted(addresses.sources))}")
    heard = _Heard()
    group = await stack.enter_async_context(asyncio.TaskGroup())
    listeners = [group.create_task(engineer.notices(heard)) for engineer in engineers]
    try:
        await _critical_event(player, admin, engineers)
        await _live_values(player, admin)
        await _fault(player, admin, engineers, addresses, heard)
    finally:
        for task in listeners:
            task.cancel()


async def _sign_in(stack: AsyncExitStack, base: str) -> tuple[UserClient, list[UserClient]]:
    roles = {Role.TENANT_ADMIN: [], Role.ENGINEER: []}  # type: dict[Role, list[UserClient]]
    for person in PEOPLE:
        if person.role in roles:
            client = await stack.enter_async_context(signed_in(base, person.email, person.password))
            roles[person.role].append(client)
    return roles[Role.TENANT_ADMIN][0], roles[Role.ENGINEER]


async def _critical_event(player: Player, admin: UserClient, engineers: list[UserClient]) -> None:
    async with player.step("V1 a CRITICAL event opens an incident") as detail:
        asset = await _asset(admin, "COMP-001")
        await admin.post(
            "/api/blackbox/events",
            {
                "asset_id": asset["id"],
                "source_system": "SCADA",
                "source_type": "ALARM",
                "event_time": clock.now().isoformat(),
                "severity": "CRITICAL",
                "event_category": "ALERT",
                "summary": "Vibration trip of COMP-001",
                "payload": {"metric": "vibration", "value": 8.4, "limit": 7.1, "direction": "high"},
            },
        )
        incident = await until("The incident of the event", lambda: _analysed(admin, asset["id"]), 30)
        detail.append(incident["incident_number"])
    await _check_outputs(player, admin, engineers, incident, asset)


async def _check_outputs(
    player: Player, admin: UserClient, engineers: list[UserClient], incident: Any, asset: Any
) -> Any:
    """V2 to V5 for one incident; its work order."""
    async with player.step("V2 story, scores, actions and impacts are there") as detail:
        scores = incident["root_cause_scores"]
        assert incident["event_story"], "the story is empty"
        assert abs(sum(scores.values()) - 1) < 1e-6, f"the scores sum to {sum(scores.values())}"
        assert incident["recommended_actions"], "there is no recommended action"
        assert incident["financial_impact_estimate"], "there is no financial impact"
        assert incident["carbon_impact_estimate"], "there is no carbon impact"
        cause = max(scores, key=scores.__getitem__)
        detail.append(f"{cause} {scores[cause]:.2f}")
    async with player.step("V3 the work order is for that asset and tenant") as detail:
        order = await admin.get(f"/api/work-orders/{incident['auto_work_order_id']}")
        assert order["asset_id"] == asset["id"], f"the order is for asset {order['asset_id']}"
        assert order["tenant_id"] == incident["tenant_id"], "the order is another tenant's"
        assert order["source"] == "BLACKBOX_AUTO", f"its source is {order['source']}"
        detail.append(f"{order['code']} {order['title']}, {order['priority']}")
    async with player.step("V4 it is assigned to an engineer") as detail:
        assignee = next((e for e in engineers if e.user["id"] == order["assigned_to"]), None)
        assert assignee is not None, f"user {order['assigned_to']} is no engineer"
        detail.append(assignee.user["full_name"])
    async with player.step("V5 the engineer is notified") as detail:
        listed = await assignee.get("/api/notifications")
        entities = [(n["entity_type"], n["entity_id"]) for n in listed["notifications"]]
        assert ("work_order", str(order["id"])) in entities, "there is no notification of the order"
        detail.append(f"{listed['unread_count']} unread")
    return order


async def _live_values(player: Player, admin: UserClient) -> None:
    async with player.step("live values flow from every source") as detail:

        async def flowing() -> list[Any] | None:
            summary = await admin.get("/api/twins/summary")
            live = [a for a in summary["assets"] if a["live_values"]]
            return live if len(live) == len(CATALOGUE.assets) else None

        assets = await until("Live values of every asset", flowing, 90)
        detail.append(f"{len(assets)} assets, {sum(len(a['live_values']) for a in assets)} values")


async def _fault(
    player: Player,
    admin: UserClient,
    engineers: list[UserClient],
    addresses: PlantAddresses,
    heard: _Heard,
) -> None:
    async with player.step("a fault of P-102B is found by itself") as detail:
        asset = await _asset(admin, "P-102B")
        injected = clock.now()
        fault = {"kind": "bearing-wear", "asset": "P-102B", "severity": 0.9, "ramp_s": 20}
        await admin.post("/api/demo/faults", fault)
        incident = await until("The incident of the fault", lambda: _analysed(admin, asset["id"]), 240)
        detail.append(f"{incident['incident_number']} {incident['title']}")
    order = await _check_outputs(player, admin, engineers, incident, asset)
    async with player.step("the notification reached the engineer's open page") as detail:

        async def arrived() -> datetime | None:
            return heard.at.get(f"/work-orders?id={order['id']}")

        frame = await until("The frame", arrived, 10)
        _timeline(player.report, incident, injected, frame)
        detail.append(f"{player.report.latency_ms['anchor to notification frame']:.0f} ms after the anchor")


def _timeline(report: Report, incident: Any, injected: datetime, frame: datetime) -> None:
    anchored, analysed, ordered = (
        datetime.fromisoformat(incident[key]) for key in ("anchored_at", "analysed_at", "ordered_at")
    )
    moments = {
        "fault injected": injected,
        "anchor set by the detectors": anchored,
        "analysis stored": analysed,
        "work order written": ordered,
        "notification frame in a client": frame,
    }
    report.timeline = {what: when.isoformat() for what, when in moments.items()}
    report.latency_ms = {
        "fault to anchor": _ms(anchored - injected),
        "anchor to work order": _ms(ordered - anchored),
        "anchor to notification frame": _ms(frame - anchored),
    }


def _ms(span: timedelta) -> float:
    return round(span / timedelta(milliseconds=1), 1)


async def _asset(client: UserClient, code: str) -> Any:
    assets = (await client.get("/api/assets/", limit=200))["assets"]
    found = next((asset for asset in assets if asset["code"] == code), None)
    if found is None:
        raise NotInTimeError(f"There is no asset {code}.")
    return found


async def _analysed(client: UserClient, asset_id: int) -> Any | None:
    """The newest open incident of an asset, once its order is there."""
    listed = await client.get("/api/blackbox/incidents", asset_id=asset_id, status="OPEN")
    for incident in listed["incidents"]:
        if incident["auto_work_order_id"]:
            return await client.get(f"/api/blackbox/incidents/{incident['id']}")
    return None
