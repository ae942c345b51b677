"""Makes events of the task's log from the warnings of the domain's loggers while a run works."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rfuav_ray.events import Level, RunEvent

#: the packages that know no task: what they notice (a SigMF file that retunes, an .xml without sense) they log
DOMAIN = ("rfuav_ray", "preprocessing")
#: different warnings that become events; a folder of a million odd recordings must not fill the log
MAX_EVENTS = 1000


class _EventHandler(logging.Handler):
    def __init__(self, note: Callable[[RunEvent], None]) -> None:
        super().__init__(logging.WARNING)
        self._note = note
        self._seen: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message in self._seen or len(self._seen) >= MAX_EVENTS:
            return
        self._seen.add(message)
        level: Level = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
        self._note(RunEvent(message=message, level=level))
        if len(self._seen) == MAX_EVENTS:
            self._note(RunEvent(message="Further warnings of this kind are left out.", level="WARNING"))


@contextmanager
def warnings_as_events(note: Callable[[RunEvent], None]) -> Iterator[None]:
    """Pass each warning and error of the domain's loggers to `note`, every text once."""
    handler = _EventHandler(note)
    loggers = [logging.getLogger(name) for name in DOMAIN]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
