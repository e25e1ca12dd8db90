"""The browser's end of the live protocol, run in a real browser against a scripted socket."""

import pytest
from playwright.async_api import Page

pytestmark = pytest.mark.e2e

SCRIPTED = """
async (base) => {
  const { LiveConnection, reconnectDelay } = await import(base + "/js/live.js");
  class FakeSocket {
    constructor() { this.readyState = 0; this.sent = []; FakeSocket.made.push(this); }
    send(text) { this.sent.push(JSON.parse(text)); }
    close() { this.readyState = 3; }
    open() { this.readyState = 1; this.onopen(); }
    say(...messages) { this.onmessage({ data: JSON.stringify(messages) }); }
    end(code) { this.readyState = 3; this.onclose({ code }); }
  }
  FakeSocket.made = [];
  const t = { time: 0, seen: [], states: [], polls: 0, missed: [] };
  const live = new LiveConnection("/ws", {
    Socket: FakeSocket, now: () => t.time, random: () => 0, onState: (s) => t.states.push(s),
    onPoll: () => { t.polls += 1; }, onReconnected: (n) => t.missed.push(n),
  });
  live.subscribe("e:incidents", {
    snap: () => t.seen.push("snap"),
    events: (items) => t.seen.push(...items.map((item) => item.seq)),
  });
  live.subscribe("v:site:1", {
    snap: (data) => t.seen.push({ snap: data }),
    values: (data) => t.seen.push({ values: data }),
  });
  const events = (op, seqs) => ({
    op, topic: "e:incidents", seq: seqs.at(-1), epoch: "a", data: seqs.map((seq) => ({ seq })),
  });
  const newMade = async (count) => {
    while (FakeSocket.made.length < count) await new Promise((go) => setTimeout(go, 20));
  };
  live.open();
  const last = () => FakeSocket.made.at(-1);
  Object.assign(window, { live, FakeSocket, t, events, newMade, reconnectDelay, last });
}
"""


@pytest.fixture
async def client(page: Page, site: str) -> Page:
    """A page with ``live`` (the connection), ``last()`` (its newest socket) and ``t`` (what it saw)."""
    await page.goto(f"{site}/digital-twin")
    sheet = await page.locator("link[rel=stylesheet]").get_attribute("href")
    assert sheet is not None
    await page.evaluate(SCRIPTED, sheet.rpartition("/")[0])
    return page


async def test_subscribes_and_acknowledges_every_frame(client: Page) -> None:
    sent = await client.evaluate(
        """() => {
        last().open();
        const snap = { op: "snap", topic: "v:site:1", seq: 1, epoch: "a", data: { 5: [1, 2, 0] } };
        last().say({ op: "n", n: 7 }, snap);
        return last().sent;
    }"""
    )
    assert sent == [
        {"op": "sub", "topic": "e:incidents"},
        {"op": "sub", "topic": "v:site:1"},
        {"op": "ack", "n": 7},
    ]
    assert await client.evaluate("t.seen") == [{"snap": {"5": [1, 2, 0]}}]


async def test_drops_what_it_knows_and_asks_again_after_a_gap(client: Page) -> None:
    asked = await client.evaluate(
        """() => {
        const d = (...seqs) => events("d", seqs);
        last().open();
        last().say({ op: "snap", topic: "e:incidents", seq: 4, epoch: "a", data: {} });
        last().say(d(5));
        last().say(d(4, 5, 6));
        last().sent.length = 0;
        last().say(d(8));
        last().say(d(9));
        const asked = [...last().sent];
        last().say(events("resume", [7, 8, 9]));
        last().say(d(10));
        return asked;
    }"""
    )
    assert asked == [{"op": "sub", "topic": "e:incidents", "since": 6, "epoch": "a"}]
    assert await client.evaluate("t.seen") == ["snap", 5, 6, 7, 8, 9, 10]


async def test_another_epoch_is_asked_for_again(client: Page) -> None:
    asked = await client.evaluate(
        """() => {
        last().open();
        last().say({ op: "snap", topic: "e:incidents", seq: 4, epoch: "a", data: {} });
        last().sent.length = 0;
        last().say({ op: "d", topic: "e:incidents", seq: 1, epoch: "b", data: [{ seq: 1 }] });
        return last().sent;
    }"""
    )
    assert asked == [{"op": "sub", "topic": "e:incidents", "since": 4, "epoch": "a"}]
    assert await client.evaluate("t.seen") == ["snap"]


async def test_reconnects_resumes_and_counts_what_was_missed(client: Page) -> None:
    await client.evaluate(
        """() => {
        last().open();
        last().say({ op: "snap", topic: "e:incidents", seq: 4, epoch: "a", data: {} });
        last().end(1006);
    }"""
    )
    await client.evaluate("newMade(2)")
    sent = await client.evaluate(
        """() => {
        last().open();
        last().say(events("resume", [5, 6]));
        return last().sent;
    }"""
    )
    assert sent[0] == {"op": "sub", "topic": "e:incidents", "since": 4, "epoch": "a"}
    assert sent[1] == {"op": "sub", "topic": "v:site:1"}
    assert await client.evaluate("t.missed") == [2]


async def test_silence_counts_as_a_lost_connection(client: Page) -> None:
    states, socket = await client.evaluate(
        """() => {
        last().open();
        last().say({ op: "hb" });
        for (const time of [11900, 12100, 14300, 24300]) { t.time = time; live.tick(); }
        return [t.states, live.socket];
    }"""
    )
    assert (states, socket) == (["live", "reconnecting", "offline"], None)


async def test_signed_out_is_final(client: Page) -> None:
    await client.evaluate("() => { last().open(); last().end(4401); live.retryNow(); }")
    assert await client.evaluate("[FakeSocket.made.length, live.state()]") == [1, "signed-out"]


async def test_polls_after_three_failed_openings_and_stops_when_heard(client: Page) -> None:
    states = await client.evaluate(
        """() => {
        const polling = [];
        for (let i = 0; i < 3; i += 1) {
          last().end(1006);
          polling.push(live.poller !== undefined);
          clearTimeout(live.retry);
          live.open();
        }
        last().open();
        last().say({ op: "hb" });
        return [...polling, live.poller !== undefined, live.failures];
    }"""
    )
    assert states == [False, False, True, False, 0]


async def test_delay_grows_to_twenty_seconds_and_a_quarter(client: Page) -> None:
    delays = await client.evaluate(
        "[[0, 0], [0, 1], [3, 1], [30, 1]].map(([failures, luck]) => reconnectDelay(failures, () => luck))"
    )
    assert delays == [250, 750, 4250, 20250]
