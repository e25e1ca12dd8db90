"""Which passwords are taken, and how their hashes are verified."""

import pytest
from pwdlib.hashers.bcrypt import BcryptHasher

from optria.core.errors import Invalid
from optria.web.people import passwords
from tests import factories

NAMES = ("Layla.Haddad@example.com", "layla.the.engineer")
LONG = "a passphrase that is longer than the seventy-two bytes that bcrypt ever reads, v1 cut it"


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("ninechars", "at least 10"),
        ("x" * 1_000 + "y", "at most 1,000"),
        ("layla.haddad@EXAMPLE.com", "name of the account"),
        ("Layla.Haddad", "name of the account"),
        ("layla.the.engineer", "name of the account"),
        ("Password123", "most common"),
        ("QWERTYuiop", "most common"),
        ("ssssssssssss", "most common"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(password: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        passwords.require_good(password, NAMES)


@pytest.mark.parametrize("password", ["tencharact", "كلمة المرور", "correct horse battery", "ab" * 500])
def test_long_ones_of_any_characters_are_good(password: str) -> None:
    passwords.require_good(password, NAMES)


def test_made_up_passwords_are_good_and_differ() -> None:
    made = {passwords.generate() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        passwords.require_good(password, NAMES)


async def test_a_new_hash_is_argon2id_and_needs_no_better_one() -> None:
    stored = await passwords.new_hash("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify("correct horse battery", stored) == (True, None)
    assert await passwords.verify("Correct horse battery", stored) == (False, None)


async def test_a_password_that_version_1_cut_fits_and_is_hashed_whole() -> None:
    stored = BcryptHasher(rounds=4).hash(LONG.encode()[:72])
    fits, better = await passwords.verify(LONG, stored)
    assert fits
    assert await passwords.verify(LONG, better) == (True, None)
    assert await passwords.verify(LONG[:72], better) == (False, None)
    assert await passwords.verify("wrong" * 20, stored) == (False, None)


@pytest.mark.parametrize("stored", [None, "", "plain text", "$2b$12$short"])
async def test_nothing_fits_what_is_no_hash(stored: str | None) -> None:
    for password in ("nobody has this password", factories.PASSWORD):
        assert await passwords.verify(password, stored) == (False, None)
