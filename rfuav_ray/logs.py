"""The log file of the service. One process rotates it, the others only append."""

import logging
from logging.handlers import RotatingFileHandler, WatchedFileHandler

from rfuav_ray.settings import Settings

MAX_BYTES = 10 * 1024 * 1024
KEPT_FILES = 5


def write_to_log_file(settings: Settings, *, rotates: bool) -> None:
    """Send the `rfuav` loggers of this process to LOG_FILE. Later calls only set the level.

    Args:
        settings: Name the file and the level.
        rotates: True in the one process that rotates the file. The other processes reopen it after a rotation.
    """
    root = logging.getLogger("rfuav")
    root.setLevel(settings.log_level)
    if root.handlers:
        return
    settings.log_file.parent.mkdir(parents=True, exist_ok=True)
    handler = (
        RotatingFileHandler(settings.log_file, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        if rotates
        else WatchedFileHandler(settings.log_file, encoding="utf-8")
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root.addHandler(handler)
