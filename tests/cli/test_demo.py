"""The demo keeps to itself: its accounts have known passwords."""

from pathlib import Path

import pytest

from optria.cli.demo import demo_settings
from optria.core.errors import ConfigurationError
from optria.kit.settings import Settings


def test_the_demo_has_a_folder_of_its_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert settings.home_folder == tmp_path
    of_demo = demo_settings(settings)
    assert of_demo.home_folder == tmp_path / "demo"
    assert of_demo.model_copy(update={"simulator_url": "http://x"}).home_folder == tmp_path / "demo"
    assert of_demo.demo


def test_the_demo_refuses_a_real_database(tmp_path: Path) -> None:
    settings = Settings.model_validate({"home": tmp_path, "database_url": "postgresql://x/y"})
    with pytest.raises(ConfigurationError, match="known passwords"):
        demo_settings(settings)
