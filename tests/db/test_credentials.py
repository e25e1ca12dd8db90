import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from optria.core.errors import ConfigurationError
from optria.db.credentials import FILE, secret


def test_a_password_is_made_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    first = secret(tmp_path, "somebody")
    assert secret(tmp_path, "somebody") == first
    assert secret(tmp_path, "somebody else") != first
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_processes_that_ask_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda number: (number % 4, secret(tmp_path, str(number % 4))), range(64)))
    assert len(answers) == 4


def test_a_spoilt_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("[1, 2]")
    with pytest.raises(ConfigurationError, match="OPTRIA_HOME"):
        secret(tmp_path, "somebody")
