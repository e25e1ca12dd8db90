"""What a log line holds: the ids of its work, and no secret."""

import json
from collections.abc import Iterator

import pytest
import structlog

from optria.kit import logs
from optria.kit.correlation import correlate, correlated, correlation


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().err)
    return found


def test_ids_hold_for_a_block_and_end_with_it(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", json=True)
    with correlated(request="r-1"):
        with correlated():
            correlate(incident="i-1")
            structlog.get_logger().info("inner")
        assert correlation() == {"request": "r-1"}
    assert not correlation()
    said = line(capsys)
    assert (said["event"], said["request"], said["incident"]) == ("inner", "r-1", "i-1")


@pytest.mark.parametrize("json_mode", [True, False])
def test_no_secret_reaches_the_log(capsys: pytest.CaptureFixture[str], json_mode: bool) -> None:
    logs.configure("INFO", json=json_mode)
    structlog.get_logger().info(
        "secrets",
        password="s3cret",
        smtp_password="s3cret",
        token="s3cret",
        headers={"Authorization": "Bearer s3cret", "Cookie": "s3cret"},
        url="postgresql://owner:s3cret@db/optria",
        tried=["https://u:s3cret@pi/webapi"],
        webhook_secret="s3cret",
        passphrase="s3cret",
    )
    said = capsys.readouterr().err
    assert "s3cret" not in said
    assert "db/optria" in said


def test_what_is_no_secret_stays(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", json=True)
    structlog.get_logger().info(
        "plain", passes=3, key="7", url="http://pi:443/a@b", error="10:45 a@b.example"
    )
    said = line(capsys)
    assert (said["passes"], said["key"], said["error"]) == (3, "7", "10:45 a@b.example")


def test_a_very_long_id_is_cut() -> None:
    with correlated(incident="x" * 10_000):
        assert len(correlation()["incident"]) == 200
