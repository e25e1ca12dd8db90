"""Files that only their owner may read, written whole or not at all."""

from pathlib import Path

import pytest

from optria.kit import private_file


def test_the_owner_alone_reads_what_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_bytes(b"old")
    path.chmod(0o644)
    private_file.replace(path, b"new")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"new", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    (folder / "in it").mkdir(parents=True)
    with pytest.raises(OSError, match=r"directory"):
        private_file.replace(folder, b"new")
    assert list(tmp_path.iterdir()) == [folder]
