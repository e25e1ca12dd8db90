"""The faults a simulated plant can have, where each fits and what it looks like."""

from dataclasses import dataclass
from typing import Literal

from optria.core.errors import SimulatorError

FaultGroup = Literal["machine", "sensor", "data"]

PUMP, COMPRESSOR, TURBINE, VALVE, EXCHANGER, SEPARATOR = (
    "Pump",
    "Compressor",
    "Turbine",
    "Valve",
    "Heat Exchanger",
    "Separator",
)


class BadFault(SimulatorError):
    """The fault asked for does not exist or does not fit; the message names what is allowed."""


class UnknownFault(SimulatorError):
    """No fault has this id."""


class UnknownTag(SimulatorError):
    """The plant has no tag of this name."""


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind: the cause a right analysis names, the asset types (empty: all) and the metrics that move.

    `not_on` lists assets of a fitting type that cannot have it, with the reason in a few words.
    """

    kind: str
    cause: str
    group: FaultGroup
    asset_types: tuple[str, ...]
    metrics: tuple[str, ...]
    description: str
    not_on: tuple[tuple[str, str], ...] = ()


_IDLE = (("P-102A", "is on standby"),)
_SHAKING = ("vibration", "axial_vibration", "bearing_temperature")
_ROTATING = (PUMP, COMPRESSOR, TURBINE)
_ELECTRIC = ("current", "current_imbalance", "winding_temperature", "power_factor")
_FLOW = ("flow", "suction_pressure", "discharge_pressure", "pressure", "power", "current")

_KINDS = (
    FaultKind(
        "bearing-wear",
        "Bearing Fault",
        "machine",
        _ROTATING,
        (*_SHAKING, "current", "power"),
        "Vibration grows exponentially through the zones 2.3 / 4.5 / 7.1 mm/s, bearing temperature lags",
        _IDLE,
    ),
    FaultKind(
        "cavitation",
        "Pump Cavitation",
        "machine",
        (PUMP,),
        ("suction_pressure", "flow", "discharge_pressure", "pressure", "vibration", "current", "temperature"),
        "Bursts of bubbles: suction pressure and flow fall, vibration broad, current low and noisy",
        _IDLE,
    ),
    FaultKind(
        "imbalance",
        "Rotor Imbalance",
        "machine",
        _ROTATING,
        _SHAKING,
        "Vibration rises with the rotor, bearing temperature slowly",
        _IDLE,
    ),
    FaultKind(
        "misalignment",
        "Shaft Misalignment",
        "machine",
        _ROTATING,
        (*_SHAKING, "power"),
        "Axial more than radial vibration, bearing temperature up",
        _IDLE,
    ),
    FaultKind(
        "seal-leak",
        "Seal Leak",
        "machine",
        (PUMP,),
        ("seal_level", "flush_pressure", "flow", "discharge_pressure", "pressure"),
        "Seal pot level and flush pressure fall, a little flow and pressure are lost",
        _IDLE,
    ),
    FaultKind(
        "suction-blockage",
        "Suction Blockage",
        "machine",
        (PUMP, COMPRESSOR),
        _FLOW,
        "Flow and suction pressure fall, the pressure upstream rises",
        _IDLE,
    ),
    FaultKind(
        "discharge-blockage",
        "Discharge Blockage",
        "machine",
        (PUMP, COMPRESSOR),
        _FLOW,
        "Flow falls, discharge pressure rises",
        _IDLE,
    ),
    FaultKind(
        "valve-stiction",
        "Valve Stiction",
        "machine",
        (VALVE,),
        ("valve_position", "valve_output", "flow"),
        "The stem sticks and jumps: a limit cycle of output, flow and level",
        (("FV-302", "is closed in normal operation"), ("PSV-101", "is closed in normal operation")),
    ),
    FaultKind(
        "valve-leak",
        "Valve Leakage",
        "machine",
        (VALVE,),
        ("flow", "valve_position", "valve_output", "temperature"),
        "Flow passes that the valve position does not show",
    ),
    FaultKind(
        "fouling",
        "Exchanger Fouling",
        "machine",
        (EXCHANGER,),
        ("approach_temperature", "differential_pressure", "valve_output", "temperature", "flow"),
        "Approach temperature and pressure drop rise, the cooling controller opens",
    ),
    FaultKind(
        "motor-electrical",
        "Motor Electrical Fault",
        "machine",
        (PUMP, COMPRESSOR),
        _ELECTRIC,
        "Phase currents out of balance, power factor down, winding temperature up",
        _IDLE,
    ),
    FaultKind(
        "surge",
        "Compressor Surge",
        "machine",
        (COMPRESSOR,),
        (
            "flow",
            "discharge_pressure",
            "pressure",
            "axial_vibration",
            "vibration",
            "suction_temperature",
            "temperature",
            "discharge_temperature",
        ),
        "Flow and discharge pressure swing at 0.5-3 Hz, axial vibration and temperatures rise",
    ),
    FaultKind(
        "utility-loss",
        "Utility Loss",
        "machine",
        (EXCHANGER, SEPARATOR),
        ("coolant_temperature", "temperature", "flow", "valve_output"),
        "Coolant warms at an exchanger; feed from the wells stops at SEP-001",
        (("V-102", "has no utility of its own"), ("V-301", "has no utility of its own")),
    ),
    FaultKind(
        "sensor-drift",
        "Instrumentation Fault",
        "sensor",
        (),
        (),
        "One instrument of the asset leaves its neighbours on a ramp",
    ),
    FaultKind(
        "sensor-stuck",
        "Instrumentation Fault",
        "sensor",
        (),
        (),
        "One instrument of the asset shows the same value for ever",
    ),
    *(
        FaultKind(kind, "Instrumentation Fault", "data", (), (), text)
        for kind, text in (
            ("bad-quality", "A share of the asset's samples comes with bad quality"),
            ("stale", "The asset's last samples are repeated with their old times"),
            ("clock-skew", "The asset's source clock runs ahead, up to two minutes"),
            ("link-loss", "One sample of bad quality per tag, then nothing"),
            ("duplicates", "A share of the asset's samples comes twice"),
            ("out-of-order", "A share of the asset's samples comes after the next ones"),
            ("nan", "A share of the asset's samples is not a number, with good quality"),
        )
    ),
)

FAULT_KINDS: dict[str, FaultKind] = {kind.kind: kind for kind in _KINDS}
"""Kind (the word of the command line) to what it is."""
