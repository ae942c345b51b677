"""Restores a damaged SQLite file, which must not stop the service: its newest good backup takes its place."""

import glob
import logging
from pathlib import Path

from actors.store.backup import backup_folder, backups, moment_of
from actors.store.sqlite_files import MOMENT, copy_database, find_damage, replace

logger = logging.getLogger(__name__)

#: in the name of a file that is about to take the place of the damaged one; the moment of its backup follows
_READY = ".restored-"
_EMPTY = f"{_READY}empty.db"


def restore_if_damaged(file: Path) -> str | None:
    """Replace a damaged file by its newest good backup, or by an empty file. The damaged file is kept.

    If the service is killed meanwhile, the next call does the rest.

    Returns:
        A message for the operator; None if the file was undamaged or does not exist yet.

    Raises:
        RfuavError: A file cannot be opened, or a backup cannot be copied.
    """
    damage = None
    ready = _ready(file)
    if ready is None:  # else the service was killed between `_prepare` and `replace`
        damage = find_damage(file)
        if damage is None:
            return None
        logger.error("the task store '%s' is damaged: %s", file, damage)
        ready = _prepare(file)
    old = replace(file, ready)
    how = f" ({damage})" if damage else ""
    message = f"The task store '{file}' was damaged{how}. {_loss(file, ready)} The damaged files are '{old}*'."
    logger.error(message)
    return message


def _ready(file: Path) -> Path | None:
    return next(file.parent.glob(f"{glob.escape(file.name)}{_READY}*"), None)


def _prepare(file: Path) -> Path:
    """Write the file that takes the place of the damaged one. It gets its name when it is complete."""
    for backup in reversed(backups(file)):
        if damage := find_damage(backup):
            logger.warning("the backup '%s' is damaged, too: %s", backup, damage)
            continue
        ready = file.with_name(f"{file.name}{_READY}{moment_of(backup):{MOMENT}}.db")
        copy_database(backup, ready)
        return ready
    ready = file.with_name(f"{file.name}{_EMPTY}")
    ready.touch()  # to SQLite an empty file is a new database
    return ready


def _loss(file: Path, restored: Path) -> str:
    """What took the place of the damaged file, and what is missing there."""
    if restored.name.endswith(_EMPTY):
        return (
            f"There is no undamaged backup in '{backup_folder(file)}', so a new, empty store took its place. All "
            "earlier tasks and their logs are missing in it. Their files are still in their output folders."
        )
    return (
        f"The backup of {moment_of(restored):%Y-%m-%d %H:%M:%S} UTC took its place. Tasks and log entries written "
        "after that moment may be missing, and tasks deleted after it may be back. Files in output folders are as "
        "they were."
    )
