"""The bus never blocks who publishes, and says what was dropped."""

from optria.core.messages import Message
from optria.kit.bus import Bus


def message(number: int) -> Message:
    return Message(1, "incidents", "incident_opened", str(number))


async def test_every_subscriber_gets_every_message() -> None:
    bus = Bus()
    async with bus.subscribe() as one, bus.subscribe() as other:
        bus.publish(message(1))
        assert (await one.get()).entity_id == (await other.get()).entity_id == "1"


async def test_a_full_mailbox_drops_and_counts() -> None:
    bus = Bus()
    async with bus.subscribe(size=2) as slow:
        for number in range(5):
            bus.publish(message(number))
        assert slow.take_overflow() == 3
        assert slow.take_overflow() == 0
        assert (await slow.get()).entity_id == "0"


async def test_whoever_left_is_forgotten() -> None:
    bus = Bus()
    async with bus.subscribe() as gone:
        pass
    bus.publish(message(1))
    assert gone.take_overflow() == 0
