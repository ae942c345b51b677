"""A key: its name, its scope and a salted hash. It is written as `name:scope:key` or `name:scope:hash`."""

import hashlib
import hmac
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rfuav_ray.errors import RfuavError
from serve_app.access.scopes import WORDS, Scope, scope_of

_BYTES = 32
#: what `new_key` makes: nobody guesses it, so that a fast hash protects it
_MADE_HERE = re.compile(rb"rfuav_[A-Za-z0-9_-]{43}")
_HASH = re.compile(r"(sha256|scrypt)\.[0-9a-f]{32}\.[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: 16 MB and some 50 ms for each guess of a key that a person has chosen
_SCRYPT = {"n": 2**14, "r": 8, "p": 1, "dklen": 32}


class Key(NamedTuple):
    name: str
    scope: Scope
    #: method.salt.digest
    hash: str

    @property
    def line(self) -> str:
        return f"{self.name}:{self.scope.word}:{self.hash}"

    @property
    def fingerprint(self) -> str:
        """Changes when the key does. It tells nothing of the key."""
        return hashlib.sha256(f"{self.name}:{self.hash}".encode()).hexdigest()[:16]


def new_key() -> str:
    return f"rfuav_{secrets.token_urlsafe(_BYTES)}"


def new_salt() -> str:
    return secrets.token_hex(16)


def hash_of(key: str, salt: str) -> str:
    method = "sha256" if _MADE_HERE.fullmatch(key.encode()) else "scrypt"
    return f"{method}.{salt}.{_digest(method, salt, key.encode())}"


def is_slow(key: Key) -> bool:
    """Whether a check of an offered key against this one takes long."""
    return key.hash.startswith("scrypt")


def matching(keys: Iterable[Key], offered: bytes) -> Key | None:
    """The key that was offered; None if it is none of them. Keys with the same salt cost one hash."""
    digests: dict[tuple[str, str], str] = {}
    found = None
    # Compare every key, so that the duration does not reveal which key matched.
    for key in keys:
        method, salt, digest = key.hash.split(".")
        if method == "sha256" and not _MADE_HERE.fullmatch(offered):
            continue
        if (method, salt) not in digests:
            digests[method, salt] = _digest(method, salt, offered)
        if hmac.compare_digest(digest, digests[method, salt]):
            found = key
    return found


def keys_of(entries: Iterable[str], origin: str, *, salt: str = "", only_hashes: bool = False) -> tuple[Key, ...]:
    """Read the entries of API_KEYS or the lines of a file.

    Args:
        entries: `name:scope:key`, `name:scope:hash`, or a bare key, which is `admin`.
        origin: What messages call the place of the entries.
        salt: For the hashes of keys that are not hashed yet; default: a new one.
        only_hashes: Refuse entries that hold a key itself, and hashes without a name.

    Raises:
        RfuavError: An entry is wrong, or a name or key is there twice. The message does not contain a key.
    """
    salt = salt or new_salt()
    split = [_split(entry, f"entry {number} of {origin}") for number, entry in enumerate(entries, 1)]
    named = [name for name, _, _ in split if name]
    if double := [name for name, count in Counter(named).items() if count > 1]:
        raise RfuavError(f"{origin}: the name '{double[0]}' is there twice. Give each key a name of its own.")
    if only_hashes and any(name is None and _HASH.fullmatch(secret) for name, _, secret in split):
        raise RfuavError(f"{origin}: a hash stands alone, and would be of an admin. Write it as name:scope:hash.")
    free = (f"key{number}" for number in range(1, 10**9) if f"key{number}" not in named)
    keys = tuple(
        _key(name or next(free), scope, secret, origin, salt, only_hashes) for name, scope, secret in split
    )
    for key in keys:
        if sum(key.hash == other.hash for other in keys) > 1:
            raise RfuavError(f"{origin}: '{key.name}' and another name have the same key. Give each its own.")
    return keys


def check_name(name: str, place: str) -> None:
    if not _NAME.fullmatch(name):
        raise RfuavError(f"{place}: the name of a key is 1 to 64 of letters, digits, '.', '_' and '-'.")


def _split(entry: str, place: str) -> tuple[str | None, Scope, str]:
    """Name, scope and key. Raises RfuavError."""
    parts = [part.strip() for part in entry.split(":", 2)]
    if len(parts) == 2 and (not all(parts) or parts[1] in WORDS):
        raise RfuavError(f"{place} has no key. Write it as name:scope:key.")
    if len(parts) < 3:
        return None, Scope.ADMIN, entry
    name, word, secret = parts
    check_name(name, place)
    scope = scope_of(word)
    if scope is None:
        # Without the name: it may be the begin of a key that holds colons.
        raise RfuavError(f"{place} has an unknown scope. Write name:scope:key; scopes are {', '.join(WORDS)}.")
    if not secret:
        raise RfuavError(f"{place} ('{name}') has no key. Write it as name:scope:key.")
    return name, scope, secret


def _key(name: str, scope: Scope, secret: str, origin: str, salt: str, only_hashes: bool) -> Key:
    if _HASH.fullmatch(secret):
        return Key(name, scope, secret)
    if only_hashes:
        raise RfuavError(f"{origin}: '{name}' has no hash. Make keys with `rfuav key new NAME --scope SCOPE`.")
    if not (secret.isascii() and secret.isprintable() and " " not in secret):
        raise RfuavError(
            f"{origin}: '{name}': a key is of ASCII characters without spaces, which HTTP headers can carry."
        )
    return Key(name, scope, hash_of(secret, salt))


def lines_of(keys: Iterable[Key]) -> Iterator[str]:
    return (key.line for key in keys)


def _digest(method: str, salt: str, key: bytes) -> str:
    if method == "sha256":
        return hashlib.sha256(bytes.fromhex(salt) + key).hexdigest()
    return hashlib.scrypt(key, salt=bytes.fromhex(salt), **_SCRYPT).hex()
