"""What to do: the actions of a bearing fault, else the maker's inspection; then its steps for the cause."""

from collections.abc import Sequence

from optria.core.incident import RecommendedAction
from optria.rca.case import MachineSpec
from optria.rca.words import Words, ltr

BEARING_FAULT = "Bearing Fault"
BEARING_ACTIONS = (
    (Words("Schedule maintenance within 12 hours.", "جدولة الصيانة خلال 12 ساعة."), "maintenance"),
    (
        Words(
            "Reduce load to 60% until bearing is replaced.",
            "خفض الحمل إلى 60% حتى يتم استبدال المحمل.",
        ),
        "operation",
    ),
)


def recommended_actions(
    cause: str, spec: MachineSpec | None, asset_name: str, asset_name_ar: str = ""
) -> tuple[RecommendedAction, ...]:
    """Actions for the top cause (a label), most urgent first."""
    if cause == BEARING_FAULT:
        first = [(words, category, "rule") for words, category in BEARING_ACTIONS]
    else:
        first = [
            (inspection(cause, spec, asset_name, asset_name_ar or asset_name), "inspection", _origin(spec))
        ]
    steps = spec.cause_steps.get(cause, ()) if spec else ()
    rows = [*first, *((Words(s.text, s.text_ar or s.text), "maintenance", _origin(spec)) for s in steps)]
    return numbered(rows)


def inspection(cause: str, spec: MachineSpec | None, asset_name: str, asset_name_ar: str) -> Words:
    """The checklist of the spec by its page: that of the cause, else the general one."""
    page = spec.cause_pages.get(cause, spec.checklist_page) if spec else None
    if page is None:
        return Words(
            f"Inspect {asset_name} on site; no inspection checklist is on file.",
            f"افحص {asset_name_ar} في الموقع؛ لا توجد قائمة فحص محفوظة.",
        )
    return Words(
        f"Follow inspection checklist from MachineSpecs page {page}.",
        f"اتبع قائمة الفحص من {ltr('MachineSpecs')} صفحة {page}.",
    )


def numbered(rows: Sequence[tuple[Words, str, str]]) -> tuple[RecommendedAction, ...]:
    return tuple(
        RecommendedAction(priority, words.en, words.ar, category, source)
        for priority, (words, category, source) in enumerate(rows, start=1)
    )


def _origin(spec: MachineSpec | None) -> str:
    return spec.document if spec else "default"
