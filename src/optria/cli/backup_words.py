"""What is in a backup, in words."""

from datetime import datetime

from optria.db.backup_file import Header
from optria.db.backup_reading import BackupReader
from optria.kit.secrets import FILE
from optria.kit.settings import Settings


def shown(backup: BackupReader) -> str:
    """Every table with its rows, and what is not in it."""
    header = backup.header
    taken = datetime.fromisoformat(header.taken_at)
    lines = [
        f"Backup of {taken:%Y-%m-%d %H:%M:%S} UTC, OPTRIA IQ {header.version}, revision {header.revision}.",
        *(
            f"  {name}: {stored.rows:,} rows"
            for name, stored in backup.manifest.tables.items()
            if stored.rows
        ),
        f"Rows in all: {backup.manifest.rows:,} of {len(backup.manifest.tables)} tables.",
        _history(header),
        f"Not in it: {', '.join(header.left_out)} (who is signed in, and what was under way).",
    ]
    if header.others:
        lines.append(f"Not in it, of other programs: {', '.join(header.others)}.")
    lines.append("Keys of stored secrets: " + ("in it, under a passphrase." if backup.keys else "not in it."))
    return "\n".join(lines)


def _history(header: Header) -> str:
    match header.history_days:
        case None:
            return "Samples: all."
        case 0:
            return "Samples: of the recordings of incidents only."
        case days:
            return f"Samples: of the last {days} days, and of the recordings of incidents."


def kept_words(settings: Settings, with_keys: bool) -> str:
    """What else has to be kept for the backup to be of use."""
    if with_keys:
        return "The keys of stored secrets are in it; without its passphrase they cannot be read."
    return (
        f"THE KEYS OF STORED SECRETS ARE NOT IN IT: keep {settings.home_folder / FILE} (and "
        "OPTRIA_SECRET_KEYS) in another safe place, or use --with-keys. Without them every password of a "
        "connection has to be entered again."
    )
