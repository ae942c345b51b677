"""Prepares the store once, before the actors open it: restores a damaged file, creates or migrates the tables.

It also makes the service the store's owner.
"""

from pathlib import Path

import sqlalchemy as sa

from actors.store.backup import back_up, backup_folder
from actors.store.database import connect, plain_errors, sqlite_file
from actors.store.migrations import found_version, known_versions, upgrade
from actors.store.ownership import Owner, take, wait_until_free
from actors.store.restore import restore_if_damaged
from actors.store.sqlite_files import beside
from rfuav_ray.errors import RfuavError
from rfuav_ray.files import flush_folder
from rfuav_ray.machine.private_files import make_private


def prepare_store(database_url: str, owner: Owner | None = None) -> str | None:
    """Restore a damaged file from its newest good backup, create or migrate the tables, and take the store.

    After an error the tables are as they were, except for a backup that was restored before it.

    Args:
        database_url: The store.
        owner: The service that will write it; None for a program that is alone with it.

    Returns:
        A message for the operator if the file was damaged: what was restored, and what may be missing.

    Raises:
        RfuavError: A newer release wrote the store, the store cannot be opened, or another service owns it.
        ServiceBusy: The database does not answer, or the disk is full.
    """
    engine = connect(database_url)
    file = sqlite_file(engine)
    try:
        with plain_errors(engine, "written"):
            restored = None if file is None else _prepare_file(file)
            seen = owner and wait_until_free(engine, owner)
            if file is not None:
                _back_up_older(engine, file)
            with engine.begin() as connection:
                upgrade(connection)
            if owner and seen:
                take(engine, seen, owner)
            if file is not None:
                _keep_private(file)
                flush_folder(file.parent)
            return restored
    except OSError as error:
        raise RfuavError(f"The task store cannot be prepared: {error}.") from None
    finally:
        engine.dispose()


def _prepare_file(file: Path) -> str | None:
    file.parent.mkdir(parents=True, exist_ok=True)
    return restore_if_damaged(file)


def _keep_private(file: Path) -> None:
    """Other users must not read the tasks. SQLite gives the files beside the database the same mode."""
    for name in (file, *beside(file), backup_folder(file)):
        make_private(name)


def _back_up_older(engine: sa.Engine, file: Path) -> None:
    with engine.connect() as connection:
        found = found_version(connection)
    older = known_versions()[1:]
    if found in older:
        try:
            back_up(file)
        except RfuavError as error:
            raise RfuavError(f"The task store needs a backup before this release changes it: {error}") from None
