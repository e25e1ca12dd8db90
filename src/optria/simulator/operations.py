"""What operators do to a healthy plant: move set-points and loads, try a standby pump. No faults."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from optria.simulator.dynamics import clamp


@dataclass(slots=True)
class Orders:
    """What is asked of the plant now, as a difference to its usual operation.

    Levels in %, pressure in bar, temperature in °C, rate and load as a share; `standby_run` 1 runs P-102A on
    its minimum-flow line.
    """

    oil_level: float = 0.0
    interface_level: float = 0.0
    lp_level: float = 0.0
    separator_bar: float = 0.0
    cooler_c: float = 0.0
    well_rate: float = 0.0
    turbine_load: float = 0.0
    standby_run: float = 0.0


ORDER_FIELDS = tuple(field.name for field in fields(Orders))


@dataclass(frozen=True, slots=True)
class Operation:
    """One of the `Orders` by so much, in plant seconds: up to `size` over `ramp_s`, held, and back alike."""

    order: str
    size: float
    begin_s: float
    ramp_s: float
    hold_s: float

    def asked(self, time_s: float) -> float:
        """The difference asked for at a plant time."""
        age, ramp = time_s - self.begin_s, max(self.ramp_s, 1e-9)
        whole = 2.0 * self.ramp_s + self.hold_s
        return self.size * clamp(min(age, whole - age) / ramp, 0.0, 1.0)


def ordered(operations: Sequence[Operation], time_s: float) -> Orders:
    """All orders at a plant time; several of one kind add up."""
    orders = Orders()
    for operation in operations:
        asked = getattr(orders, operation.order) + operation.asked(time_s)
        setattr(orders, operation.order, asked)
    return orders
