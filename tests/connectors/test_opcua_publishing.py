"""Messages of a subscription: in order, asked for again where one is missing, and losses noticed."""

import asyncio
from collections import Counter
from contextlib import aclosing
from types import SimpleNamespace
from typing import cast

import pytest
from asyncua import Client, ua
from asyncua.ua import uaerrors

from optria.connectors.opcua_config import OpcUaConfig
from optria.connectors.opcua_errors import LinkLost
from optria.connectors.opcua_publishing import OVERFLOW, Published, published
from optria.connectors.opcua_subscription import LAST_SEQUENCE, Subscription, queue_size, shortfall
from optria.core.errors import ConnectorUnavailable


def message(number: int, *items: tuple[int, float], code: int = 0) -> ua.NotificationMessage:
    """With a value for each tag; without any it is a keep-alive."""
    given = [
        ua.MonitoredItemNotification(
            ClientHandle=tag,
            Value=ua.DataValue(ua.Variant(value), StatusCode=ua.StatusCode(ua.UInt32(code))),
        )
        for tag, value in items
    ]
    data = [ua.DataChangeNotification(MonitoredItems=given)] if given else []
    return ua.NotificationMessage(SequenceNumber=number, NotificationData=data)


class FakeSession:
    """Publishes a list of messages, then nothing; keeps ``kept`` to be sent again."""

    def __init__(self, sent: list[ua.NotificationMessage], kept: list[ua.NotificationMessage]) -> None:
        self._sent, self._kept = list(sent), {each.SequenceNumber: each for each in kept}
        self.acknowledged: list[int] = []

    async def publish(self, acks: list[ua.SubscriptionAcknowledgement]) -> ua.PublishResponse:
        self.acknowledged += [each.SequenceNumber for each in acks]
        if not self._sent:
            await asyncio.Event().wait()
        result = ua.PublishResult(SubscriptionId=1, NotificationMessage=self._sent.pop(0))
        return ua.PublishResponse(Parameters=result)

    async def republish(self, _subscription: int, number: int) -> ua.NotificationMessage:
        if number not in self._kept:
            raise uaerrors.BadMessageNotAvailable
        return self._kept.pop(number)


def subscription(sequence: int = 0, *, is_draining: bool = False) -> Subscription:
    drained: Counter[int] | None = Counter() if is_draining else None
    return Subscription(1, 0.1, 60.0, 0.1, 3, sequence=sequence, drained=drained)


async def read(
    session: FakeSession,
    count: int,
    sub: Subscription | None = None,
    into: list[Published] | None = None,
) -> list[Published]:
    client = cast("Client", SimpleNamespace(uaclient=SimpleNamespace(session=session)))
    got = into if into is not None else []
    try:
        async with asyncio.TaskGroup() as group:
            coming = published(client, sub or subscription(), "opc.tcp://plant", group)
            async with aclosing(coming) as messages:
                async for each in messages:
                    got.append(each)
                    if len(got) == count:
                        await asyncio.sleep(0)
                        break
    except BaseExceptionGroup as failures:
        (failure,) = failures.exceptions
        raise failure from failure.__cause__
    return got


def values(got: list[Published]) -> list[float]:
    return [value.Value.Value for each in got for _tag, value in each.items if value.Value is not None]


async def test_messages_come_in_order_and_are_acknowledged() -> None:
    session = FakeSession([message(1, (7, 1.0)), message(2), message(2, (7, 2.0)), message(3, (7, 3.0))], [])
    got = await read(session, 4)
    assert values(got) == [1.0, 2.0, 3.0]
    assert session.acknowledged == [1, 2, 3]
    assert not any(each.lossy or each.all_lossy for each in got)


@pytest.mark.parametrize("last", [message(4, (7, 4.0)), message(4)])
async def test_what_was_lost_on_the_way_is_asked_for_again(last: ua.NotificationMessage) -> None:
    """A value tells of it, and so does a keep-alive."""
    session = FakeSession([message(1, (7, 1.0)), last], [message(2, (7, 2.0)), message(3, (7, 3.0))])
    got = await read(session, 4)
    assert values(got)[:3] == [1.0, 2.0, 3.0]
    assert not any(each.all_lossy for each in got)
    assert set(session.acknowledged) >= {1, 2, 3}


async def test_what_came_again_is_handed_out_before_the_link_is_lost_anew() -> None:
    """Else it would be taken as received, and nobody would have it."""

    class Failing(FakeSession):
        async def republish(self, subscription: int, number: int) -> ua.NotificationMessage:
            if number == 3:
                raise ConnectionError
            return await super().republish(subscription, number)

    session, sub = (
        Failing([message(1, (7, 1.0)), message(4, (7, 4.0))], [message(2, (7, 2.0))]),
        subscription(),
    )
    got: list[Published] = []
    with pytest.raises(ConnectionError):
        await read(session, 9, sub, got)
    assert values(got) == [1.0, 2.0]
    assert sub.sequence == 2


async def test_what_came_twice_is_passed_on_once() -> None:
    sent = [message(1, (7, 1.0)), message(3, (7, 3.0)), message(2, (7, 2.0)), message(4, (7, 4.0))]
    got = await read(FakeSession(sent, [message(2, (7, 2.0))]), 4)
    assert values(got) == [1.0, 2.0, 3.0, 4.0]


async def test_what_the_server_has_no_more_is_said_before_what_follows() -> None:
    got = await read(FakeSession([message(1, (7, 1.0)), message(5, (7, 5.0))], []), 3)
    assert [each.all_lossy for each in got] == [False, True, False]
    assert values(got) == [1.0, 5.0]


async def test_numbers_begin_again_after_the_last() -> None:
    sent = [message(LAST_SEQUENCE, (7, 1.0)), message(1, (7, 2.0))]
    got = await read(FakeSession(sent, []), 2, subscription(LAST_SEQUENCE - 1))
    assert values(got) == [1.0, 2.0]
    assert not any(each.all_lossy for each in got)


async def test_the_overflow_bit_is_a_loss_of_that_tag() -> None:
    (got,) = await read(FakeSession([message(1, (7, 1.0), (8, 2.0), code=OVERFLOW)], []), 1)
    assert got.lossy == {7, 8}


async def test_a_full_queue_after_a_cut_is_a_loss() -> None:
    """Three samples fit: whether there were more, nobody knows."""
    two, three = [(7, 1.0), (7, 2.0)], [(8, 1.0), (8, 2.0), (8, 3.0)]
    (got,) = await read(FakeSession([message(1, *two, *three)], []), 1, subscription(is_draining=True))
    assert got.lossy == {8}
    (got,) = await read(FakeSession([message(1, *two, *three)], []), 1)
    assert not got.lossy


async def test_silence_is_a_lost_link() -> None:
    with pytest.raises(LinkLost, match="silent for 3 s"):
        await read(FakeSession([message(1)], []), 2)


async def test_a_subscription_that_the_server_ends_is_said() -> None:
    status = ua.StatusChangeNotification(Status=ua.StatusCode(ua.UInt32(ua.StatusCodes.BadTimeout)))
    ended = ua.NotificationMessage(SequenceNumber=1, NotificationData=[status])
    with pytest.raises(ConnectorUnavailable, match="ended the subscription \\(BadTimeout\\)"):
        await read(FakeSession([ended], []), 1)


def config(**values: object) -> OpcUaConfig:
    return OpcUaConfig.model_validate({"endpoint_url": "opc.tcp://plant:1", **values})


@pytest.mark.parametrize(
    ("outage_s", "interval_ms", "samples"),
    [(60, 1000, 66), (60, 100, 660), (3600, 10, 10_000), (5, 60_000, 10)],
)
def test_the_queue_lasts_for_the_outage(outage_s: int, interval_ms: int, samples: int) -> None:
    assert queue_size(config(outage_s=outage_s, sampling_interval_ms=interval_ms)) == samples


def test_a_server_that_keeps_less_is_said() -> None:
    granted = subscription()
    assert shortfall(granted, config()) is None
    granted.shorter_queues[7] = 20
    assert "keeps samples for 20 s of a cut link, not for the 60 s asked for" in str(
        shortfall(granted, config())
    )
    assert "for 60 s" in str(shortfall(subscription(), config(outage_s=600)))
