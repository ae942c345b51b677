"""The store's schema, release by release: each file in `versions` leads from one to the next.

A released file never changes, and imports nothing of the service, which does.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rfuav_ray.errors import RfuavError

_FOLDER = Path(__file__).parent
#: the schema of databases that were made before there were migrations
_FIRST = "0001"


def upgrade(connection: sa.Connection) -> None:
    """Make the tables, or bring an older release's to this one's; part of the connection's transaction.

    Raises RfuavError for the tables of a newer release.
    """
    config = _config()
    config.attributes["connection"] = connection
    found = found_version(connection)
    if found not in {None, *known_versions()}:
        raise RfuavError(
            f"The task store has the schema version {found}, which this release does not know: a newer one wrote "
            "it. Install that release, or name another STATE_DIR or DATABASE_URL."
        )
    if found == _FIRST:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def found_version(connection: sa.Connection) -> str | None:
    """Of the database's schema; None where it has no tables yet."""
    version = MigrationContext.configure(connection).get_current_revision()
    if version is None and sa.inspect(connection).has_table("schema"):
        number = connection.scalar(sa.text("SELECT version FROM schema"))
        return None if number is None else f"{number:04}"
    return version


def known_versions() -> list[str]:
    """Newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def _config() -> Config:
    config = Config()
    # A percent sign begins a substitution there.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
