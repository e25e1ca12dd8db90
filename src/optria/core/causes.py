"""The words in which people name what they found."""

from collections.abc import Iterable
from typing import Final

from optria.core.arabic import CAUSE_AR
from optria.core.incident import CAUSE_CODES, OTHER, cause_label

NO_FAULT: Final = "No Fault Found"
"""What people say when they looked and nothing was wrong: a false incident. No cause of an analysis."""
NO_FAULT_AR: Final = "لا يوجد عطل"


def named_cause(text: str | None, known: Iterable[str] = ()) -> str | None:
    """The label of a cause as somebody wrote it: a label, a code, Arabic, or in any case; else as written.

    ``known`` are labels that the tenant has used before. None for nothing, and for no more than blanks.
    """
    written = " ".join((text or "").split())
    if not written:
        return None
    labels = {**dict.fromkeys(known, ""), NO_FAULT: NO_FAULT_AR, **CAUSE_AR}
    spoken = {name.casefold(): name for name in labels} | {ar: name for name, ar in labels.items() if ar}
    label = cause_label(written)
    return spoken.get(written.casefold()) or spoken.get(label.casefold()) or label


def teaches(cause: str | None) -> bool:
    """Whether a confirmed cause says what a pattern means: a named one does."""
    return cause not in (None, "", OTHER, NO_FAULT)


CATALOGUE: Final = tuple(label for label in CAUSE_CODES if label != OTHER)
"""Every cause that the product knows by name."""
