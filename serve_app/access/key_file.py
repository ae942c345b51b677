"""API_KEYS_FILE: one line `name:scope:hash` for each key. It holds no key itself."""

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rfuav_ray.errors import RfuavError
from rfuav_ray.files import replacing
from serve_app.access.keys import Key, check_name, hash_of, keys_of, lines_of, new_key, new_salt
from serve_app.access.scopes import Scope

HEADER = (
    "# Keys of rfuav-ray, without the keys themselves. Change it with `rfuav key new` and `rfuav key remove`.\n"
)
MAX_BYTES = 2**20


def read_keys(path: Path) -> tuple[Key, ...]:
    """Read the file.

    Raises:
        RfuavError: It is missing, wrong, or other users may read or change it.
    """
    try:
        # A link is followed: Kubernetes mounts secrets as links. Opening a pipe must not wait.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise RfuavError(
            f"The key file '{path}' cannot be read ({error.strerror}). Make a key with `rfuav key new NAME`."
        ) from None
    try:
        _check_safe(path, os.fstat(descriptor))  # first: a folder cannot be opened as a file
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise RfuavError(f"The key file '{path}' cannot be read ({error.strerror}).") from None
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise RfuavError(f"The key file '{path}' is larger than {MAX_BYTES} bytes.")
    try:
        lines = [line.strip() for line in content.decode().splitlines()]
    except UnicodeDecodeError:
        raise RfuavError(f"The key file '{path}' is not text.") from None
    entries = [line for line in lines if line and not line.startswith("#")]
    return keys_of(entries, f"the key file '{path}'", only_hashes=True)


def _check_safe(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RfuavError(f"The key file '{path}' is not a file.")
    if status.st_uid not in {0, os.geteuid()}:
        raise RfuavError(f"The key file '{path}' belongs to another user. Change its owner with chown.")
    # A group may read it: so containers get their secrets.
    if status.st_mode & (stat.S_IWGRP | stat.S_IRWXO):
        raise RfuavError(f"Other users may read or change the key file '{path}'. Run `chmod 600 '{path}'`.")


def add_key(path: Path, name: str, scope: Scope) -> str:
    """Make a key and add its line. Returns the key, which is kept nowhere. Raises RfuavError for a taken name."""
    check_name(name, f"'{name}'")
    key = new_key()
    with _changing(path) as keys:
        if any(known.name == name for known in keys):
            raise RfuavError(f"The key file '{path}' has a key '{name}'. Choose another name, or remove that key.")
        _write(path, [*keys, Key(name, scope, hash_of(key, new_salt()))])
    return key


def remove_key(path: Path, name: str) -> None:
    """Remove a key's line. Raises RfuavError if there is none."""
    with _changing(path) as keys:
        left = [key for key in keys if key.name != name]
        if len(left) == len(keys):
            known = ", ".join(key.name for key in keys) or "none"
            raise RfuavError(f"The key file '{path}' has no key '{name}'. Its keys: {known}.")
        _write(path, left)


@contextmanager
def _changing(path: Path) -> Iterator[tuple[Key, ...]]:
    """The keys of the file, while no other process changes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # The lock is on the folder: the file itself is replaced.
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield read_keys(path) if path.exists() else ()
    finally:
        os.close(folder)


def _write(path: Path, keys: Iterable[Key]) -> None:
    text = HEADER + "".join(f"{line}\n" for line in lines_of(keys))
    # The target of a link is replaced, and not the link.
    target = path.resolve()
    with replacing(target) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _keep_readers(target, descriptor)
            file.write(text)


def _keep_readers(old: Path, new: int) -> None:
    """Give the new file the owner, the group and the mode of the old one, or a service could no longer read it."""
    if not old.exists():
        return
    status = old.stat()
    try:
        os.fchown(new, status.st_uid, status.st_gid)
    except PermissionError:
        raise RfuavError(
            f"The key file '{old}' has an owner or a group that you cannot give to a file. Change it as its owner."
        ) from None
    os.fchmod(new, stat.S_IMODE(status.st_mode))
