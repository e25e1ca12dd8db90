"""Password hashes: Argon2id for new ones; v1's bcrypt ones are verified and replaced at sign-in.

Parameters are the second choice of OWASP's password storage sheet: 19 MiB, two passes, one lane.
"""

from functools import cache
from typing import Final

import anyio.to_thread
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

_HASHES: Final = PasswordHash(
    (Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1), BcryptHasher())
)


def hash_password(password: str) -> str:
    """The Argon2id hash of a password; blocks for about 50 ms."""
    return _HASHES.hash(password)


@cache
def _dummy_hash() -> str:
    return hash_password("nobody has this password")


async def verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    """Whether the password fits, and a better hash to store if the stored one is outdated.

    ``stored_hash`` None (no such user) costs as much time as a real one.
    """
    return await anyio.to_thread.run_sync(_verify, password, stored_hash)


def _verify(password: str, stored_hash: str | None) -> tuple[bool, str | None]:
    try:
        fits, better = _HASHES.verify_and_update(password, stored_hash or _dummy_hash())
    except UnknownHashError:
        return False, None
    return (fits, better) if stored_hash else (False, None)
