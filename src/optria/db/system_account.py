"""The account that an embedded server runs under where the product itself runs as root."""

import pwd
import subprocess
from pathlib import Path

from optria.core.errors import ConfigurationError

SYSTEM_ACCOUNT = "optria"


def account_for(data: Path) -> pwd.struct_passwd:
    """Whoever owns the data already; else the account ``optria``, made when missing."""
    if data.exists() and (owner := data.stat().st_uid) != 0:
        return pwd.getpwuid(owner)
    try:
        return pwd.getpwnam(SYSTEM_ACCOUNT)
    except KeyError:
        pass
    try:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_ACCOUNT]
        subprocess.run(command, check=True, capture_output=True)
        return pwd.getpwnam(SYSTEM_ACCOUNT)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ConfigurationError(
            "PostgreSQL does not run as root, and no account could be made for it (useradd failed). "
            "Run as an ordinary user, or set OPTRIA_DATABASE_URL to an existing PostgreSQL."
        ) from error


def name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
