"""The store's schema, version by version: each file in `versions` migrates from one version to the next.

The code of a released file never changes. It imports nothing from the service, because the service changes.
"""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from rfuav_ray.errors import RfuavError

_FOLDER = Path(__file__).parent
#: the schema version of databases that were created before there were migrations
_FIRST = "0001"


def upgrade(connection: sa.Connection) -> None:
    """Create the tables, or migrate those of an older release, in the connection's transaction.

    Raises:
        RfuavError: A newer release wrote the tables.
    """
    config = _config()
    config.attributes["connection"] = connection
    found = found_version(connection)
    if found not in {None, *known_versions()}:
        raise RfuavError(
            f"The task store has the schema version {found}. A newer release wrote it, and this release cannot "
            "read it. Install the newer release, or set another STATE_DIR or DATABASE_URL."
        )
    if found == _FIRST:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def found_version(connection: sa.Connection) -> str | None:
    """The version of the database's schema; None if the database has no tables yet."""
    version = MigrationContext.configure(connection).get_current_revision()
    if version is None and sa.inspect(connection).has_table("schema"):
        number = connection.scalar(sa.text("SELECT version FROM schema"))
        return None if number is None else f"{number:04}"
    return version


def known_versions() -> list[str]:
    """The schema versions that this release knows, newest first."""
    return [script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()]


def _config() -> Config:
    config = Config()
    # In Alembic's options a percent sign starts a substitution.
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
