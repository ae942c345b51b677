"""The log file of the service. One process rotates it, the others only append."""

import logging
import sys
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler, WatchedFileHandler

from rfuav_ray.machine.private_files import open_private
from rfuav_ray.settings import Settings

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5
#: every logger is named after its module, below one of these
PACKAGES = ("rfuav_ray", "preprocessing", "actors", "serve_app")


class _Private(logging.FileHandler):
    """Only its owner may read the file."""

    def _open(self) -> TextIOWrapper:
        return TextIOWrapper(open(self.baseFilename, "ab", opener=open_private), encoding=self.encoding)


class _Rotating(_Private, RotatingFileHandler):
    pass


class _Watched(_Private, WatchedFileHandler):
    pass


def write_to_log_file(settings: Settings, *, rotates: bool = False, also_to_terminal: bool = False) -> None:
    """Write the messages of the packages' loggers in this process to LOG_FILE. Later calls only set the level.

    Args:
        settings: Name the file and the level.
        rotates: True in the one process that rotates the file. The other processes reopen it after a rotation.
        also_to_terminal: Whether warnings and errors appear on standard error, too.
    """
    loggers = [logging.getLogger(name) for name in PACKAGES]
    for logger in loggers:
        logger.setLevel(settings.log_level)
    if loggers[0].handlers:
        return
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        _Rotating(settings.log_file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        if rotates
        else _Watched(settings.log_file, encoding="utf-8")
    ]
    handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    if also_to_terminal:
        handlers.append(logging.StreamHandler(sys.stderr))
        handlers[1].setLevel(logging.WARNING)
    for logger in loggers:
        for handler in handlers:
            logger.addHandler(handler)
