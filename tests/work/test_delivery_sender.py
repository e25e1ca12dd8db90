"""What the sender of an installation is made of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from optria.core.errors import ConfigurationError
from optria.db.session import Database
from optria.work.delivery_channels import CHANNELS, missing
from optria.work.delivery_sender import open_sender
from tests.work.letters import settings


@pytest.fixture
def channels() -> Iterator[None]:
    """The channels of other tests come back."""
    before = dict(CHANNELS)
    yield
    CHANNELS.clear()
    CHANNELS.update(before)


@pytest.mark.usefixtures("channels")
async def test_email_is_off_until_a_mail_server_is_set(rolled_back: Database, tmp_path: Path) -> None:
    open_sender(rolled_back, settings(25, home=tmp_path))
    assert list(CHANNELS) == ["email"]
    assert missing("email") is None
    open_sender(rolled_back, settings(25, home=tmp_path, smtp_host=None))
    assert list(CHANNELS) == []
    assert "OPTRIA_SMTP_HOST" in (missing("email") or "")


@pytest.mark.usefixtures("channels")
async def test_a_wrong_setting_stops_the_start(rolled_back: Database, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OPTRIA_SMTP_FROM"):
        open_sender(rolled_back, settings(25, home=tmp_path, smtp_from=""))
