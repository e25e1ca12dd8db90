"""Secrets at rest: bound to their place, rotated by keys, never half read."""

import base64
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from optria.core.errors import ConfigurationError
from optria.kit.secrets import FILE, Sealer, key_id_of, read_keys, sealer_of
from optria.kit.settings import Settings

OLD, NEW = os.urandom(32), os.urandom(32)
PLACE = (1, "connector-7", "password")


def written(**keys: bytes) -> str:
    return ",".join(f"{name}:{base64.b64encode(key).decode()}" for name, key in keys.items())


@given(st.text())
def test_what_was_sealed_opens_at_its_place(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert Sealer({"a": OLD}).open(Sealer({"a": OLD}).seal(text, *PLACE), *PLACE) == text


def test_a_sealed_text_does_not_show_what_it_holds_and_never_repeats() -> None:
    sealer = Sealer({"a": OLD})
    first, second = sealer.seal("s3cret", *PLACE), sealer.seal("s3cret", *PLACE)
    assert first != second
    assert first.startswith("v1:a:")
    assert "s3cret" not in first


@pytest.mark.parametrize(
    "other",
    [
        (2, "connector-7", "password"),
        (1, "connector-8", "password"),
        (1, "connector-7", "token"),
        (1, "connector-7|password"),
        (1, "connector-7", "password", ""),
    ],
)
def test_a_sealed_text_opens_nowhere_else(other: tuple[object, ...]) -> None:
    sealer = Sealer({"a": OLD})
    with pytest.raises(ConfigurationError, match="altered or belongs to another place"):
        sealer.open(sealer.seal("s3cret", *PLACE), *other)


def test_an_altered_text_does_not_open() -> None:
    sealer = Sealer({"a": OLD})
    version, key_id, nonce, ciphertext = sealer.seal("s3cret", *PLACE).split(":")
    raw = bytearray(base64.b64decode(ciphertext))
    raw[0] ^= 1
    altered = base64.b64encode(bytes(raw)).decode()
    for wrong in (
        f"{version}:{key_id}:{nonce}:{altered}",
        f"{version}:{key_id}:{nonce[4:]}:{ciphertext}",
        f"{version}:{key_id}:{nonce}:",
        f"{version}:{key_id}::{ciphertext}",
        f"v2:{key_id}:{nonce}:{ciphertext}",
        f"{version}:{key_id}:{nonce}:???",
        "plain text",
        "",
    ):
        with pytest.raises(ConfigurationError, match="Enter it again"):
            sealer.open(wrong, *PLACE)


def test_the_first_key_seals_and_every_key_opens() -> None:
    old = Sealer({"old": OLD}).seal("s3cret", *PLACE)
    both = Sealer({"new": NEW, "old": OLD})
    assert both.open(old, *PLACE) == "s3cret"
    fresh = both.seal("s3cret", *PLACE)
    assert (key_id_of(old), key_id_of(fresh), both.key_ids) == ("old", "new", ("new", "old"))
    assert Sealer({"new": NEW}).open(fresh, *PLACE) == "s3cret"
    with pytest.raises(ConfigurationError, match="the key 'old', which is not among the keys"):
        Sealer({"new": NEW}).open(old, *PLACE)
    with pytest.raises(ConfigurationError, match="altered"):
        Sealer({"old": NEW}).open(old, *PLACE)


def test_a_key_file_is_made_once_for_nobody_else_to_read(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    sealed = sealer_of(settings).seal("s3cret", *PLACE)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert sealer_of(Settings(home=tmp_path)).open(sealed, *PLACE) == "s3cret"
    assert sorted(path.name for path in tmp_path.iterdir()) == [FILE]


def test_keys_that_are_set_come_before_those_of_the_file(tmp_path: Path) -> None:
    filed = sealer_of(Settings(home=tmp_path))
    moved = sealer_of(Settings(home=tmp_path, secret_keys=SecretStr(written(new=NEW))))
    assert moved.key_id == "new"
    assert moved.open(filed.seal("s3cret", *PLACE), *PLACE) == "s3cret"


def test_no_file_is_made_where_keys_are_set(tmp_path: Path) -> None:
    sealer_of(Settings(home=tmp_path, secret_keys=SecretStr(written(new=NEW))))
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize(
    "text", ["a:c2hvcnQ=", "no key", ":" + "A" * 43 + "=", "a:%%%", "a b:" + "A" * 43 + "="]
)
def test_a_key_that_is_none_is_a_sentence_without_it(text: str) -> None:
    with pytest.raises(ConfigurationError, match="Entry 1 of HERE is not a key") as caught:
        read_keys(text, "HERE")
    assert text not in str(caught.value)


def test_two_keys_of_one_id_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="Entry 2"):
        read_keys(f"{written(a=OLD)},{written(a=NEW)}", "HERE")


def test_an_unreadable_file_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="OPTRIA_SECRET_KEYS"):
        sealer_of(Settings(home=tmp_path))
    (tmp_path / FILE).write_text("")
    with pytest.raises(ConfigurationError, match="There is no key"):
        sealer_of(Settings(home=tmp_path))
