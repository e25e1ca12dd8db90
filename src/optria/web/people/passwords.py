"""Passwords: which ones are good enough, and their hashes.

Argon2id for new ones; v1's bcrypt ones are verified and replaced at sign-in. The parameters are the second
choice of OWASP's password storage sheet: 19 MiB, two passes, one lane. What a password must be follows NIST
SP 800-63B: long enough, not a common one, not the person's own name, and no rule on kinds of characters.
"""

import secrets
from collections.abc import Iterable
from functools import cache
from typing import Final

import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from optria.core.errors import Invalid

_BCRYPT: Final = BcryptHasher()
_HASHES: Final = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1), _BCRYPT))
BCRYPT_READS_BYTES: Final = 72
"""bcrypt hashes no more of a password, and v1 cut longer ones there."""

SHORTEST: Final = 10
LONGEST: Final = 1_000
COMMON: Final = frozenset(
    """
    0123456789 0987654321 1111111111 1122334455 1223334444 1234512345 1234554321 12345678910 1234567890
    123456789a 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx3edc 9876543210 abcdefghij abcd123456 administrator
    changeme123 changemenow iloveyou123 letmein123 letmein1234 optria2024 optria2025 optria2026 p@ssw0rd123
    p@ssword123 passw0rd123 password01 password12 password123 password1234 password12345 password2024
    password2025 password2026 passwordpassword q1w2e3r4t5 qazwsxedcrfv qwerty1234 qwerty12345 qwerty123456
    qwertyqwerty qwertyuiop qwertyuiop123 superman123 trustno1234 welcome123 welcome1234 welcome2024
    welcome2025 welcome2026 zaq12wsxcde3
    """.split()  # noqa: SIM905
)
"""The most common passwords of at least :data:`SHORTEST` characters, in lower case."""
READABLE: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""No letter that is taken for another one when it is read out."""


def require_good(password: str, names: Iterable[str]) -> None:
    """Refuse a password that is easy to guess; ``names`` are the person's e-mail address and user name.

    Raises:
        Invalid: saying what is wrong with it.
    """
    known = {part for name in names for part in (name.casefold(), name.casefold().partition("@")[0])}
    if len(password) < SHORTEST:
        raise Invalid(f"The password is too short: use at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise Invalid(f"The password is too long: use at most {LONGEST:,} characters.")
    if password.casefold() in known:
        raise Invalid("The password is the name of the account: choose another one.")
    if password.casefold() in COMMON or len(set(password)) == 1:
        raise Invalid("The password is one of the most common ones: choose another one.")


def generate() -> str:
    """A new password of 99 random bits that can be read out over the telephone."""
    return "-".join("".join(secrets.choice(READABLE) for _ in range(5)) for _ in range(4))


def hash_password(password: str) -> str:
    """The Argon2id hash of a password; blocks for about 50 ms."""
    return _HASHES.hash(password)


async def new_hash(password: str) -> str:
    """:func:`hash_password` beside the event loop."""
    return await anyio.to_thread.run_sync(hash_password, password)


@cache
def _dummy_hash() -> str:
    return hash_password("nobody has this password")


async def verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password fits, and a better hash to store if the stored one is outdated.

    ``stored_hash`` None (no such user) and one of an unknown kind cost as much time as a real one. Only an
    account that has not signed in since v1 takes longer, as bcrypt does.
    """
    return await anyio.to_thread.run_sync(_verify, password, stored_hash)


def _verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    if stored_hash is not None and _BCRYPT.identify(stored_hash):
        fits = _BCRYPT.verify(password.encode()[:BCRYPT_READS_BYTES], stored_hash)
        return fits, hash_password(password) if fits else None
    try:
        fits, better = _HASHES.verify_and_update(password, stored_hash or _dummy_hash())
    except UnknownHashError:
        _HASHES.verify(password, _dummy_hash())
        return False, None
    return (fits, better) if stored_hash else (False, None)
