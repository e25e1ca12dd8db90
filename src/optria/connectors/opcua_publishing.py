"""The notifications of a subscription in their order, none missing that the server still has."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from asyncua import Client, ua
from asyncua.client.ua_session import UaSession
from asyncua.ua import uaerrors

from optria.connectors.opcua_errors import TAKE_UP_AGAIN_S, LinkLost
from optria.connectors.opcua_subscription import LAST_LOOK_S, LAST_SEQUENCE, SILENCE_S, Subscription
from optria.core.errors import ConnectorUnavailable

OVERFLOW = 0x0480
"""Info type "data value" with the overflow bit: the server's queue of this item was too short."""


@dataclass(frozen=True, slots=True)
class Published:
    """One message of the server. Samples before these are missing of the tags ``lossy``, or of all."""

    items: Sequence[tuple[int, ua.DataValue]]
    lossy: frozenset[int]
    all_lossy: bool
    has_more: bool


async def published(
    client: Client, subscription: Subscription, where: str, group: asyncio.TaskGroup
) -> AsyncGenerator[Published]:
    """The server's messages in the order of their numbers; one that was lost on the way is asked for again.

    The next request is sent, by a task of ``group``, before a message is handed out. Ends only by an
    exception: LinkLost after a silence, otherwise asyncua's or the network's.
    """
    session = client.uaclient.session
    asking = group.create_task(_answer(session, []))
    try:
        while True:
            try:
                result = (await _within(asking, subscription.silence_s, where)).Parameters
            except (uaerrors.BadTimeout, uaerrors.BadTooManyPublishRequests):
                asking = group.create_task(_answer(session, []))
                continue
            received: list[ua.NotificationMessage] = []
            if result.SubscriptionId == subscription.id:
                async for earlier in _missing(session, subscription, result.NotificationMessage):
                    received.append(earlier)
                    yield _read(earlier, subscription, where, is_last=False, more=True)
                is_news = _is_next(subscription, result.NotificationMessage)
                received += [result.NotificationMessage] if is_news else []
            asking = group.create_task(_answer(session, _acknowledged(subscription, received)))
            if received and received[-1] is result.NotificationMessage:
                more = bool(result.MoreNotifications)
                yield _read(result.NotificationMessage, subscription, where, is_last=True, more=more)
    finally:
        asking.cancel()


async def _answer(
    session: UaSession, acknowledgements: list[ua.SubscriptionAcknowledgement]
) -> ua.PublishResponse | Exception:
    """A failure is for whoever waits for the answer; it does not end the group."""
    try:
        return await session.publish(acknowledgements)
    except (uaerrors.UaError, OSError, TimeoutError) as failure:
        return failure


def _acknowledged(
    subscription: Subscription, messages: Sequence[ua.NotificationMessage]
) -> list[ua.SubscriptionAcknowledgement]:
    return [
        ua.SubscriptionAcknowledgement(SubscriptionId=subscription.id, SequenceNumber=message.SequenceNumber)
        for message in messages
        if message.NotificationData
    ]


async def _within(
    asking: asyncio.Task[ua.PublishResponse | Exception], silence_s: float, where: str
) -> ua.PublishResponse:
    for patience_s in (silence_s - LAST_LOOK_S, LAST_LOOK_S):
        done, _ = await asyncio.wait([asking], timeout=patience_s)
        if done:
            answer = asking.result()
            if isinstance(answer, Exception):
                raise answer
            return answer
    raise LinkLost(
        f"The OPC UA server {where} has been silent for {silence_s:.0f} s, "
        "without even a keep-alive. Check the network and the server's load."
    )


async def _missing(
    session: UaSession, subscription: Subscription, message: ua.NotificationMessage
) -> AsyncGenerator[ua.NotificationMessage]:
    """The messages before this one that never arrived, each as soon as it is here.

    An empty one stands for what is gone for good. A keep-alive has the number of the message to come, so it
    tells of a loss as well.
    """
    while _is_before(subscription.next_sequence, message.SequenceNumber):
        again = await _again(session, subscription)
        subscription.sequence = subscription.next_sequence if again else _before(message.SequenceNumber)
        yield again or ua.NotificationMessage()


def _is_next(subscription: Subscription, message: ua.NotificationMessage) -> bool:
    """Whether it was not received before; a keep-alive always is news."""
    if not message.NotificationData:
        return True
    if message.SequenceNumber != subscription.next_sequence:
        return False
    subscription.sequence = message.SequenceNumber
    return True


async def _again(session: UaSession, subscription: Subscription) -> ua.NotificationMessage | None:
    """The next message once more, None when the server has it no longer."""
    try:
        async with asyncio.timeout(SILENCE_S):
            again = await session.republish(subscription.id, subscription.next_sequence)
    except (uaerrors.BadMessageNotAvailable, uaerrors.BadServiceUnsupported, uaerrors.BadNotImplemented):
        return None
    return again if again.NotificationData else None


def _is_before(one: int, other: int) -> bool:
    """By number, also over the turn from the last to the first."""
    return 0 < (other - one) % LAST_SEQUENCE < LAST_SEQUENCE // 2


def _before(sequence: int) -> int:
    return sequence - 1 or LAST_SEQUENCE


def _read(
    message: ua.NotificationMessage, subscription: Subscription, where: str, *, is_last: bool, more: bool
) -> Published:
    items: list[tuple[int, ua.DataValue]] = []
    for notification in message.NotificationData or ():
        if isinstance(notification, ua.DataChangeNotification):
            items += ((item.ClientHandle, item.Value) for item in notification.MonitoredItems)
        elif isinstance(notification, ua.StatusChangeNotification):
            raise ConnectorUnavailable(
                f"The OPC UA server {where} ended the subscription ({notification.Status.name}).",
                TAKE_UP_AGAIN_S,
            )
    is_gone = not is_last and not message.NotificationData
    return Published(items, _overflown(items, subscription), is_gone, more or not is_last)


def _overflown(items: Sequence[tuple[int, ua.DataValue]], subscription: Subscription) -> frozenset[int]:
    """Tags of which the server says so, or whose queue came back full after the link was down."""
    over = set()
    for tag, value in items:
        code = int(value.StatusCode.value) if value.StatusCode is not None else 0
        if code & OVERFLOW == OVERFLOW:
            over.add(tag)
        if subscription.drained is not None:
            subscription.drained[tag] += 1
            if subscription.drained[tag] >= subscription.queue_of(tag):
                over.add(tag)
    return frozenset(over)
