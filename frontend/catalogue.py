"""The catalogue of messages: ``python frontend/catalogue.py`` gathers them from templates and code into
``locales/ar/LC_MESSAGES/messages.po`` (keeping what is translated) and compiles the ``.mo`` beside it.

With ``--check`` nothing is written. The exit code is 1 when a message is missing, untranslated or not
compiled.
"""

import io
import sys
from collections.abc import Sequence
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
PO = ROOT / "src/optria/web/locales/ar/LC_MESSAGES/messages.po"
MO = PO.with_suffix(".mo")
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
DATED = ("POT-Creation-Date", "PO-Revision-Date", "Generated-By", "Last-Translator", "Language-Team")
OPTIONS = {"**.html": {"extensions": "jinja2.ext.do", "trim_blocks": "true", "lstrip_blocks": "true"}}
SOURCES = (
    ("templates", [("**.html", "jinja2.ext:babel_extract")]),
    ("src/optria/web", [("**.py", "python")]),
)


def gathered() -> Catalog:
    """Every message of the templates and of the web package, without translations."""
    catalogue = Catalog(locale="ar", project="optria", charset="utf-8")
    for folder, methods in SOURCES:
        found = extract_from_dir(ROOT / folder, methods, OPTIONS, KEYWORDS)
        for _file, _line, message, _comments, context in found:
            catalogue.add(message, context=context)
    return catalogue


def kept() -> Catalog:
    """The committed catalogue."""
    return read_po(io.BytesIO(PO.read_bytes()), locale="ar") if PO.exists() else Catalog(locale="ar")


def merged() -> Catalog:
    """Today's messages with the translations we have; what nobody says any more is dropped."""
    old, new = kept(), gathered()
    for message in new:
        known = old.get(message.id, message.context) if message.id else None
        if known is not None and message.id:
            message.string = known.string
    return new


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages without an Arabic sentence."""

    def has_all(sentence: object) -> bool:
        return all(sentence) if isinstance(sentence, tuple | list) else bool(sentence)

    return [str(m.id) for m in catalogue if m.id and not has_all(m.string)]


def as_po(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, omit_header=False, sort_output=True, no_location=True, width=110)
    lines = out.getvalue().decode().splitlines(keepends=True)
    left_out = ("#", *(f'"{word}' for word in DATED))
    return "".join(line for line in lines if not line.startswith(left_out)).encode()


def as_mo(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def sentences(catalogue: Catalog) -> dict[object, object]:
    """What is said, without the header, which names dates and versions."""
    return {_key(m.id, m.context): list(m.string) for m in catalogue if m.id and m.string}


def _key(message: str | Sequence[str], context: str | bytes | None) -> tuple[object, object]:
    """A compiled catalogue reads plurals as lists and contexts as bytes."""
    plain = message if isinstance(message, str) else tuple(message)
    return plain, context.decode() if isinstance(context, bytes) else context


def problems() -> list[str]:
    """What ``--check`` complains of."""
    catalogue = merged()
    said = [f"no Arabic for: {message}" for message in untranslated(catalogue)]
    if not PO.exists() or as_po(catalogue) != PO.read_bytes():
        said.append("messages.po does not hold today's messages")
    elif sentences(kept()) != sentences(read_mo(io.BytesIO(MO.read_bytes()))):
        said.append("messages.mo is not compiled from messages.po")
    return said


def main() -> int:
    if "--check" in sys.argv:
        said = problems()
    else:
        PO.parent.mkdir(parents=True, exist_ok=True)
        PO.write_bytes(as_po(merged()))
        MO.write_bytes(as_mo(read_po(io.BytesIO(PO.read_bytes()), locale="ar")))
        said = [f"no Arabic for: {message}" for message in untranslated(kept())]
    sys.stderr.writelines(f"{line}\n" for line in said)
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main())
