"""Backups: copies of the SQLite file in the folder `backups` beside it. The newest ones are kept.

PostgreSQL's backups are its operator's.
"""

import glob
from datetime import UTC, datetime, timedelta
from pathlib import Path

from actors.store.sqlite_files import MOMENT, UNFINISHED, copy_database, find_damage, remove
from rfuav_ray.errors import RfuavError
from rfuav_ray.tasks import now

#: a day, at one an hour
KEPT = 24


def backup_folder(file: Path) -> Path:
    return file.with_name("backups")


def backups(file: Path) -> list[Path]:
    """The backups of the file, oldest first."""
    digit = "[0-9]"
    return sorted(backup_folder(file).glob(f"{glob.escape(file.stem)}-{digit * 8}T{digit * 6}Z.db"))


def moment_of(backup: Path) -> datetime:
    """When the backup was made: what was written before is in it."""
    return datetime.strptime(backup.stem.rpartition("-")[2], MOMENT).replace(tzinfo=UTC)


def back_up(file: Path) -> Path:
    """Make a backup of the file, then delete old ones. Other processes may write into the file meanwhile.

    Returns:
        The path of the backup.

    Raises:
        RfuavError: The file is damaged, or the backup cannot be written. All earlier backups are kept.
    """
    folder = backup_folder(file)
    backup = folder / f"{file.stem}-{_next_moment(file):{MOMENT}}.db"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob(f"{UNFINISHED}{glob.escape(file.stem)}-*.db"):  # by a killed service
            remove(left)
        copy_database(file, backup)
        # A copy has the damage of its original. It must not displace a good backup.
        if damage := find_damage(backup):
            remove(backup)
            raise RfuavError(
                f"'{file}' is damaged: {damage}. Restart the service: it restores the newest good backup."
            )
        for old in backups(file)[:-KEPT]:
            remove(old)
    except OSError as error:
        raise RfuavError(f"Backups cannot be kept in '{folder}': {error}.") from None
    return backup


def _next_moment(file: Path) -> datetime:
    """Now; a second after the newest backup if the clock was set back: the newest backup has the latest name."""
    moment = now()
    newest = next((moment_of(backup) for backup in reversed(backups(file))), moment)
    return moment if newest <= moment else newest + timedelta(seconds=1)
