"""The keys that are valid now: those of API_KEYS, and of API_KEYS_FILE, which is read again when it changes."""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from rfuav_ray.errors import RfuavError
from rfuav_ray.files import version_of
from rfuav_ray.settings import Settings
from serve_app.access.key_file import read_keys
from serve_app.access.keys import Key, is_slow, keys_of, lines_of, matching

#: how often the file is looked at
LOOK_EVERY_S = 1.0
#: One thread: many guesses at once must not take all processors, or 16 MB each.
_SLOW_CHECKS = ThreadPoolExecutor(1, "key-check")

logger = logging.getLogger(__name__)


class Keyring:
    def __init__(self, keys: Iterable[Key], pepper: bytes = b"", seen: Mapping[bytes, Key] | None = None) -> None:
        """Hold these keys. `pepper` and `seen` are those of the ring before it."""
        self._keys = tuple(keys)
        self._by_name = {key.name: key for key in self._keys}
        self._is_slow = any(is_slow(key) for key in self._keys)
        # A key that was checked is known by a digest, which costs a microsecond. It is worth nothing elsewhere.
        self._pepper = pepper or secrets.token_bytes(32)
        now = {key.hash: key for key in self._keys}
        self._seen = {digest: now[key.hash] for digest, key in (seen or {}).items() if key.hash in now}

    def changed(self, keys: Iterable[Key]) -> "Keyring":
        """A ring with these keys. It knows those that this one has checked: guesses of others block none."""
        return Keyring(keys, self._pepper, self._seen)

    def seen(self, offered: bytes) -> Key | None:
        """The key, if it was offered before."""
        return self._seen.get(self._digest(offered))

    def named(self, name: str) -> Key | None:
        return self._by_name.get(name)

    async def find(self, offered: bytes) -> Key | None:
        """Check an offered key; None if it is not valid."""
        if self._is_slow:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(_SLOW_CHECKS, matching, self._keys, offered)
        else:
            found = matching(self._keys, offered)
        if found is not None:
            self._seen[self._digest(offered)] = found
        return found

    def _digest(self, offered: bytes) -> bytes:
        return hashlib.blake2b(offered, key=self._pepper, digest_size=16).digest()


class CurrentKeys:
    """Raises RfuavError for wrong entries or a wrong file."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Hashed once: a change of the file must not end the sessions of API_KEYS.
        self._fixed = keys_of(settings.api_keys, "API_KEYS")
        self._file = settings.api_keys_file
        self._version = self._version_now()
        self._complaint = ""
        self._ring = Keyring(self._all())
        self._looked_s = time.monotonic()

    def ring(self) -> Keyring:
        """The keys of now. A file that became wrong changes nothing."""
        if self._file is not None and time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = time.monotonic()
            version = self._version_now()
            if version != self._version:
                self._read_again(version)
        return self._ring

    def _version_now(self) -> tuple[int, ...]:
        return () if self._file is None else version_of(self._file)

    def _read_again(self, version: tuple[int, ...]) -> None:
        try:
            self._ring = self._ring.changed(self._all())
        except RfuavError as error:
            # The version stays that of the keys, so the next look tries again. A new mode makes no new version,
            # and a process with too many open files must not miss that a key was removed.
            if str(error) != self._complaint:
                self._complaint = str(error)
                logger.warning("The keys stay as they were: %s", error)
        else:
            self._version, self._complaint = version, ""
            logger.info("the keys were read again from '%s'", self._file)

    def _all(self) -> tuple[Key, ...]:
        if self._file is None:
            return self._fixed
        lines = [*lines_of(self._fixed), *lines_of(read_keys(self._file))]
        return keys_of(lines, f"API_KEYS with '{self._file}'")


def needs_keys(settings: Settings) -> bool:
    return settings.auth == "on" and has_keys(settings)


def has_keys(settings: Settings) -> bool:
    """Whether keys are set. With AUTH=off they are not asked for."""
    return bool(settings.api_keys) or settings.api_keys_file is not None


def with_hashes(settings: Settings) -> Settings:
    """The settings with hashes in place of keys: Ray keeps the settings of the API. Raises RfuavError.

    The same settings give the same hashes, so that sessions outlive a restart.
    """
    salt = hashlib.sha256(f"API_KEYS of {settings.state_dir}".encode()).hexdigest()[:32]
    keys = keys_of(settings.api_keys, "API_KEYS", salt=salt)
    return settings.model_copy(update={"api_keys": tuple(lines_of(keys))})


def check_keys(settings: Settings) -> None:
    """Raises RfuavError when a key of the settings is wrong, or the file has none."""
    CurrentKeys(settings)
    file = settings.api_keys_file
    if file is not None and not settings.api_keys and not read_keys(file):
        raise RfuavError(f"The key file '{file}' has no key. Make one with `rfuav key new NAME --scope admin`.")
