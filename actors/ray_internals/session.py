"""The folder and the token of a Ray that the service starts itself: other users of the machine get neither.

Ray opens its own folders to every user (mode 0777), with the sockets in them. So they lie in a private folder.
"""

import logging
import os
import stat
from pathlib import Path

from rfuav_ray.errors import RfuavError
from rfuav_ray.machine.private_files import check_folder, is_private_folder, make_private, private_folder

logger = logging.getLogger(__name__)

#: the operator's choice of the folder, Ray's own variable
FOLDER = "RAY_TMPDIR"
TOKEN, AUTH_MODE = "RAY_AUTH_TOKEN_PATH", "RAY_AUTH_MODE"
#: every user's, with the sticky bit
SHARED = "/tmp"
#: the system's limit for the path of a socket, and what Ray puts behind the folder
LONGEST_SOCKET = 107
BELOW_FOLDER = "/ray/session_2026-01-01_00-00-00_000000_1234567/sockets/plasma_store_1"


def private_options() -> dict[str, str]:
    """Options of `ray.init` for a new Ray whose folder and token only this user can read.

    Raises:
        RfuavError: See `temp_folder`.
    """
    _make_token_private()
    if os.environ.get(AUTH_MODE, "token").lower() != "token":
        logger.warning("%s is not 'token': every user of this machine may run code in this Ray", AUTH_MODE)
    return {"_temp_dir": str(temp_folder())}


def temp_folder() -> Path:
    """Make Ray's folder. Only this user can open it.

    It is `ray` in RAY_TMPDIR if that folder is private, else in a private folder below RAY_TMPDIR, TMPDIR or /tmp.

    Raises:
        RfuavError: The folder belongs to another user, others could replace it, or its path is too long.
    """
    base = Path(os.environ.get(FOLDER) or _temporary())
    if not base.is_absolute():
        raise RfuavError(f"{FOLDER}: '{base}' is not an absolute path.")
    check_folder(base, FOLDER, may_be_shared=True)
    folder = base if is_private_folder(base) else base / f"rfuav-{os.geteuid()}"
    if len(str(folder)) + len(BELOW_FOLDER) > LONGEST_SOCKET:
        longest = LONGEST_SOCKET - len(BELOW_FOLDER)
        raise RfuavError(
            f"'{folder}' is too long for Ray's sockets. Set {FOLDER} to a folder of at most {longest} characters."
        )
    private_folder(folder, FOLDER)
    return folder / "ray"


def _make_token_private() -> None:
    """Keep the token of Ray's ports from other users. Ray writes it with the user's umask."""
    chosen = os.environ.get(TOKEN)
    token = Path(chosen).expanduser() if chosen else Path.home() / ".ray" / "auth_token"
    if not chosen and not token.parent.exists():
        token.parent.mkdir(mode=stat.S_IRWXU, parents=True)
    make_private(token)
    if not chosen:
        make_private(token.parent)


def _temporary() -> str:
    """TMPDIR, as Ray has it, unless it is too long for sockets."""
    chosen = os.environ.get("TMPDIR") or SHARED
    room = LONGEST_SOCKET - len(BELOW_FOLDER) - len(f"/rfuav-{os.geteuid()}")
    return chosen if len(chosen) <= room else SHARED
