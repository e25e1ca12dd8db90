"""A table of mappings comes back as it was written, and is read as spreadsheets write it."""

import pytest

from optria.core.errors import Invalid
from optria.web.integrations import mapping_table
from optria.web.integrations.mapping_table import COLUMNS, MOST_BYTES, MOST_ROWS


def cells(text: str | bytes) -> list[dict[str, str]]:
    content = text.encode() if isinstance(text, str) else text
    return [dict(line.cells) for line in mapping_table.read(content).lines]


@pytest.mark.parametrize(
    "tag", ["P-1.VT", "=1+2", "+1", "-5", "@SUM(A1)", "'quoted", "'=both", 'a "quote", b', "مضخة", "a\nb"]
)
def test_a_text_comes_back_as_it_was(tag: str) -> None:
    text = mapping_table.written(
        [{"external_tag": tag, "internal_metric_name": "flow", "offset_value": -40.0}]
    )
    (row,) = cells(text)
    assert (row["external_tag"], row["offset_value"], row["unit"]) == (tag, "-40", "")


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_nothing_that_is_written_begins_a_formula(begin: str) -> None:
    text = mapping_table.written([{"external_tag": f"{begin}cmd", "internal_metric_name": "flow"}])
    assert text.lstrip("\ufeff").splitlines()[0] == ",".join(COLUMNS)
    assert f"'{begin}cmd" in text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_usual_encodings_and_delimiters_are_understood(encoding: str, delimiter: str) -> None:
    text = "Tag,Metric,Description\r\nT-1,flow,تدفق\r\n".replace(",", delimiter)
    (row,) = cells(text.encode(encoding))
    assert row == {"external_tag": "T-1", "internal_metric_name": "flow", "description": "تدفق"}


def test_a_comma_is_the_decimal_sign_where_it_is_not_the_delimiter() -> None:
    (row,) = cells("tag;metric;low;description\nT-1;flow;1,5;one, two\n")
    assert (row["range_low"], row["description"]) == ("1.5", "one, two")


def test_lines_are_numbered_as_an_editor_does() -> None:
    table = mapping_table.read(b'tag,metric,description\n\nT-1,flow,"two\nlines"\n,,\nT-2,flow,\n')
    assert [(line.number, line.cells["external_tag"]) for line in table.lines] == [(3, "T-1"), (6, "T-2")]


def test_columns_that_mean_nothing_are_named() -> None:
    table = mapping_table.read(b"tag,metric,colour\nT-1,flow,red\n")
    assert (table.columns, table.ignored) == (("external_tag", "internal_metric_name"), ("colour",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"tag,unit\nT-1,bar\n", "lacks the column internal_metric_name"),
        (b"tag,metric,external_tag\nT-1,flow,T-2\n", "twice"),
        (b"PK\x03\x04\x00\x00", "no text"),
        (b"\xff\xfe\x00", "no text"),
        (b"tag,metric\n" + b"x,y\n" * (MOST_ROWS + 1), "more than 5000 rows"),
        (b"x" * (MOST_BYTES + 1), "larger than 1 MiB"),
        (b'tag,metric\n"' + b"x" * 200_000 + b'",flow\n', "cannot be read as CSV"),
    ],
)
def test_what_is_no_table_is_refused_with_the_reason(content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        mapping_table.read(content)
