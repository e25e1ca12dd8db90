"""ISO 14224:2016 codes of root causes: how the failure shows (mode) and what wears or breaks (mechanism).

Failure modes are those of annex B, tables B.6 (rotating), B.7 (mechanical) and B.9 (safety and control
equipment); failure mechanisms are those of table B.2. A cause label stays what people read; the codes are
what a maintenance system exchanges.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from optria.core.incident import OTHER

STANDARD = "ISO 14224:2016"


@dataclass(frozen=True, slots=True)
class FailureMode:
    """A failure mode by its code of three letters; ``table`` is where annex B lists it."""

    code: str
    name: str
    name_ar: str
    table: str


@dataclass(frozen=True, slots=True)
class FailureMechanism:
    """A failure mechanism by its notation number of table B.2."""

    code: str
    name: str
    name_ar: str
    table: str = "B.2"


@dataclass(frozen=True, slots=True)
class FailureCodes:
    """The two codes of one cause."""

    mode: FailureMode
    mechanism: FailureMechanism


_ROTATING, _MECHANICAL, _CONTROL = "B.6", "B.7", "B.9"

_VIB = FailureMode("VIB", "Vibration", "اهتزاز", _ROTATING)
_ERO = FailureMode("ERO", "Erratic output", "خرج غير مستقر", _ROTATING)
_PLU = FailureMode("PLU", "Plugged / choked", "انسداد", _ROTATING)
_UNKNOWN_MODE = FailureMode("UNK", "Unknown", "غير معروف", _ROTATING)
_LEAKAGE = FailureMechanism("1.1", "Leakage", "تسرب")
_BLOCKAGE = FailureMechanism("5.1", "Blockage / plugged", "انسداد")

UNKNOWN = FailureCodes(_UNKNOWN_MODE, FailureMechanism("6.4", "Unknown", "غير معروف"))
"""The codes of a cause that the standard has no better word for."""

CODES: Mapping[str, FailureCodes] = {
    "Bearing Fault": FailureCodes(_VIB, FailureMechanism("2.4", "Wear", "تآكل بالاحتكاك")),
    "Pump Cavitation": FailureCodes(_ERO, FailureMechanism("2.1", "Cavitation", "تكهّف")),
    "Valve Leakage": FailureCodes(FailureMode("INL", "Internal leakage", "تسرب داخلي", _CONTROL), _LEAKAGE),
    "Rotor Imbalance": FailureCodes(_VIB, FailureMechanism("1.2", "Vibration", "اهتزاز")),
    "Shaft Misalignment": FailureCodes(
        _VIB, FailureMechanism("1.3", "Clearance / alignment failure", "خلل في الخلوص أو المحاذاة")
    ),
    "Seal Leak": FailureCodes(
        FailureMode("ELP", "External leakage, process medium", "تسرب خارجي لوسيط العملية", _ROTATING),
        _LEAKAGE,
    ),
    "Suction Blockage": FailureCodes(_PLU, _BLOCKAGE),
    "Discharge Blockage": FailureCodes(_PLU, _BLOCKAGE),
    "Valve Stiction": FailureCodes(
        FailureMode("FTR", "Failure to regulate", "إخفاق في التنظيم", _CONTROL),
        FailureMechanism("1.6", "Sticking", "التصاق"),
    ),
    "Exchanger Fouling": FailureCodes(
        FailureMode("IHT", "Insufficient heat transfer", "انتقال حراري غير كافٍ", _MECHANICAL),
        FailureMechanism("5.2", "Contamination", "تلوث"),
    ),
    "Instrumentation Fault": FailureCodes(
        FailureMode("AIR", "Abnormal instrument reading", "قراءة غير طبيعية لجهاز القياس", _ROTATING),
        FailureMechanism("3.3", "Faulty signal / indication / alarm", "إشارة أو قراءة أو إنذار خاطئ"),
    ),
    "Motor Electrical Fault": FailureCodes(
        FailureMode("OHE", "Overheating", "سخونة زائدة", _ROTATING),
        FailureMechanism("4.0", "Electrical failure, general", "عطل كهربائي عام"),
    ),
    "Compressor Surge": FailureCodes(_ERO, FailureMechanism("3.1", "Control failure", "خلل في التحكم")),
    "Utility Loss": FailureCodes(
        FailureMode("LOO", "Low output", "خرج منخفض", _ROTATING),
        FailureMechanism("5.3", "Miscellaneous external influences", "مؤثرات خارجية متفرقة"),
    ),
    OTHER: UNKNOWN,
}


def failure_codes(cause: str) -> FailureCodes:
    """The codes of a cause label; those of the unknown for a cause that people have named themselves."""
    return CODES.get(cause, UNKNOWN)
