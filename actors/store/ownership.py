"""Which service writes the store. The owner renews its lease; a service that has lost its lease cannot write.

Whether an owner is alive shows in the renewals that arrive, not in a time of day, because clocks differ and jump.
"""

import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import NamedTuple

import sqlalchemy as sa

from actors.store.tables import settings, upsert
from rfuav_ray.errors import RfuavError, ServiceBusy

logger = logging.getLogger(__name__)

#: much shorter than a lease: a task manager that is stopped for some seconds, or restarts, keeps it
RENEW_EVERY_S = 5.0
LEASE_S = 30.0
LOOK_EVERY_S = 0.5
RETRY_AFTER_S = 60
#: after a stop in good order, too, for a report that comes late
_LOST = (
    "This service no longer owns its task store: it stops, or another service has taken over. It stores nothing."
)
_OWNER, _RENEWAL = "owner", "owner_renewal"
#: made once, because each commit needs it
_CURRENT = sa.select(settings.c.value).where(settings.c.name == _OWNER).with_for_update(read=True)


class OwnershipLost(ServiceBusy):
    """The service no longer owns the store: it gave it up, or another one has taken over."""


class Owner(NamedTuple):
    #: the service: a later start of the same service has the same name
    name: str
    #: this start of it
    token: str

    @classmethod
    def new(cls, name: str) -> "Owner":
        return cls(name, uuid.uuid4().hex)


class _Seen(NamedTuple):
    """The two settings of an owner, as they are stored; None without one."""

    owner: str | None
    renewal: str | None


def wait_until_free(engine: sa.Engine, owner: Owner, sleep: Callable[[float], None] = time.sleep) -> _Seen:
    """Wait until no other service owns the store: at most LEASE_S, if its owner was killed.

    An earlier start of the same service needs no waiting: the lock of the state folder shows that it is gone.

    Returns:
        What `take` replaces.

    Raises:
        RfuavError: Another service renews its lease.
    """
    seen = _read(engine)
    if seen.owner is None or (name := json.loads(seen.owner)["name"]) == owner.name:
        return seen
    logger.warning("the task store belongs to %s; waiting %g s to see whether it is alive", name, LEASE_S)
    for _ in range(round(LEASE_S / LOOK_EVERY_S)):
        sleep(LOOK_EVERY_S)
        now = _read(engine)
        if now.owner is None:
            return now
        if now != seen:
            raise RfuavError(
                f"The task store is in use by another service, {name}. Stop that service, or choose another "
                "DATABASE_URL or STATE_DIR."
            )
    logger.warning("%s is gone: this service takes over its task store", name)
    return seen


def take(engine: sa.Engine, seen: _Seen, owner: Owner) -> None:
    """Make the service the owner of the store.

    Raises:
        RfuavError: Another service has just taken it.
    """
    row = {"name": _OWNER, "value": _text(owner)}
    with engine.begin() as connection:
        if seen.owner is not None:
            same = sa.and_(settings.c.name == _OWNER, settings.c.value == seen.owner)
            is_taken = connection.execute(settings.update().where(same).values(value=row["value"])).rowcount == 1
        else:
            try:
                connection.execute(settings.insert(), row)
                is_taken = True
            except sa.exc.IntegrityError:
                is_taken = False
        if not is_taken:
            raise RfuavError(
                "Another service has just taken the task store. Stop it, or choose another STATE_DIR."
            )


def check(connection: sa.Connection, owner: Owner) -> None:
    """Raise OwnershipLost, which rolls back the transaction, unless the service still owns the store.

    Call it after the writes: then the transaction has SQLite's write lock, and the answer holds until its commit.
    """
    if connection.scalar(_CURRENT) != _text(owner):
        raise OwnershipLost(_LOST, RETRY_AFTER_S)


def renew(connection: sa.Connection) -> None:
    """Show that the owner is alive."""
    row = {"name": _RENEWAL, "value": json.dumps(uuid.uuid4().hex)}
    connection.execute(upsert(connection.dialect.name, settings), row)


def release(connection: sa.Connection, owner: Owner) -> None:
    """Leave the store without an owner, so that a service on any machine starts at once."""
    connection.execute(settings.delete().where(settings.c.name == _OWNER, settings.c.value == _text(owner)))


def _read(engine: sa.Engine) -> _Seen:
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(settings.name):
            return _Seen(None, None)
        found = dict(iter(connection.execute(sa.select(settings.c.name, settings.c.value))))
    return _Seen(found.get(_OWNER), found.get(_RENEWAL))


def _text(owner: Owner) -> str:
    return json.dumps(owner._asdict())
