"""What a letter looks like as an e-mail."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from optria.work.delivery_channels import Letter, NotSent
from optria.work.mail import compose, one_line
from tests.work.letters import KEY, item, letter

NOW = datetime(2026, 11, 22, 9, 14, tzinfo=UTC)


def composed(some: Letter, url: str = "https://plant.example/") -> EmailMessage:
    return compose(some, "OPTRIA IQ <optria@plant.example>", url, NOW)


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def test_a_letter_says_what_where_and_in_both_languages() -> None:
    message = composed(letter())
    assert message["Subject"] == "[MAJOR] WO-2026-0001: Bearing Fault detected on Pump P-102B"
    assert message["To"] == "Sara Al-Qahtani <engineer@example.com>"
    assert message["X-Optria-Delivery"] == str(KEY)
    assert message["Message-ID"] == f"<{KEY}@plant.example>"
    for kind in ("plain", "html"):
        said = part(message, kind)
        assert "https://plant.example/work-orders?id=7" in said
        assert "At 09:13 the vibration" in said
        assert "خرج الاهتزاز" in said
        assert "notification preferences" in said
        assert "2026-11-22 09:13 UTC" in said


def test_without_a_public_address_there_are_no_links() -> None:
    message = composed(letter(), "")
    assert "work-orders" not in part(message, "plain")
    assert "href" not in part(message, "html")


@pytest.mark.parametrize(
    "title",
    [
        "Pump\r\nBcc: everybody@example.com",
        "Pump\nBcc: everybody@example.com",
        "Pump\u2028Bcc: everybody@example.com\x85\x00",
        "ش" * 300,
    ],
)
def test_a_title_cannot_write_headers(title: str) -> None:
    raw = bytes(composed(letter(item(title=title, title_ar="", body="")))).split(b"\r\n\r\n", 1)[0]
    names = [line.split(b":")[0] for line in raw.split(b"\r\n") if not line.startswith(b" ")]
    assert b"Bcc" not in names
    assert names.count(b"Subject") == 1


def test_a_name_cannot_write_headers_and_an_address_must_be_one() -> None:
    message = composed(letter(name='Sara "\r\nBcc: everybody@example.com'))
    assert message["Bcc"] is None
    for wrong in ("nobody", "", "a@b\r\nBcc: c@d", "a b@c", "@"):
        with pytest.raises(NotSent) as refused:
            composed(letter(address=wrong))
        assert refused.value.is_final


def test_script_in_a_title_is_text_in_html() -> None:
    html = part(composed(letter(item(title="<script>alert(1)</script>", body="<img src=x>"))), "html")
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_digest_lists_and_counts() -> None:
    items = [item(title=f"Order {number}") for number in range(3)]
    message = composed(letter(*items, total=14, suppressed=12))
    assert message["Subject"] == "[MAJOR] 14 notifications of OPTRIA IQ"
    for kind in ("plain", "html"):
        said = part(message, kind)
        assert all(f"Order {number}" in said for number in range(3))
        assert "14 notifications were held back" in said
        assert "12 of them because there were more than 10 in 10 minutes" in said
        assert "11 more" in said


def test_one_line_is_short() -> None:
    assert one_line(" a\tb\r\n\x00c ") == "a b c"
    assert len(one_line("x" * 999)) == 180
