"""Sign-ins of the page: a cookie with a signed token. Every replica can check it, also after a restart."""

import base64
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.cookies import SimpleCookie
from pathlib import Path

from serve_app.access.keyring import Keyring
from serve_app.access.keys import Key

LASTS_S = 12 * 3600
SECRET_FILE = "session.secret"
_SECRET_BYTES = 32
_OTHERS = 0o077

logger = logging.getLogger(__name__)


def cookie_of(port: int) -> str:
    """The name of the cookie. Browsers give the cookies of one port to all ports of a host."""
    return f"rfuav_session_{port}"


class Sessions:
    def __init__(self, state_dir: Path, port: int, clock: Callable[[], float] = time.time) -> None:
        """Prepare it; the secret is read or made at the first use.

        Args:
            state_dir: The folder of the secret.
            port: Names the cookie.
            clock: Seconds since 1970.
        """
        self.cookie = cookie_of(port)
        self._begin = f"{self.cookie}=".encode()
        self._state_dir = state_dir
        self._clock = clock
        self._known: bytes | None = None

    def token(self, key: Key) -> str:
        """Sign in: the value of the cookie."""
        ends_s = int(self._clock()) + LASTS_S
        signed = f"{key.name}~{ends_s}~{key.fingerprint}"
        return f"{signed}~{self._signature(signed)}"

    def key_of(self, token: str, ring: Keyring) -> Key | None:
        """The key that signed in; None if the session is over, the key was removed, or the token is forged."""
        signed, _, signature = token.rpartition("~")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        name, ends_s, fingerprint = signed.split("~")
        key = ring.named(name)
        if key is None or key.fingerprint != fingerprint or int(ends_s) <= self._clock():
            return None
        return key

    def offered(self, cookies: bytes) -> Iterator[str]:
        """The tokens in the value of a Cookie header: pages of other ports can add some of the same name."""
        for part in cookies.split(b";"):
            if (one := part.strip()).startswith(self._begin):
                yield one.removeprefix(self._begin).decode("latin-1")

    def set_cookie(self, token: str, *, is_https: bool, path: str = "/") -> str:
        """The value of Set-Cookie; an empty token ends the session. `path`: below it browsers send the cookie."""
        cookie: SimpleCookie = SimpleCookie()
        cookie[self.cookie] = token
        morsel = cookie[self.cookie]
        morsel.update({"path": path, "httponly": "yes", "samesite": "Strict"})
        morsel["max-age"] = str(LASTS_S if token else 0)
        if is_https:
            morsel["secure"] = "yes"
        return morsel.OutputString()

    def _signature(self, signed: str) -> str:
        if self._known is None:
            self._known = secret_in(self._state_dir)
        digest = hmac.digest(self._known, signed.encode(), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def secret_in(state_dir: Path) -> bytes:
    """The secret of this service, which only its user may read. Makes it when it is missing."""
    path = state_dir / SECRET_FILE
    if (found := _read(path)) is not None:
        return found
    state_dir.mkdir(parents=True, exist_ok=True)
    mine = path.with_name(f".{SECRET_FILE}.{secrets.token_hex(8)}.tmp")
    descriptor = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
        with suppress(FileExistsError):  # Another replica was faster: its secret counts.
            os.link(mine, path)
    finally:
        mine.unlink()
    return path.read_bytes()


def _read(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    except OSError:  # a link, for example
        path.unlink()
        return None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        content = file.read(2 * _SECRET_BYTES)
    if status.st_mode & _OTHERS or status.st_uid != os.geteuid() or len(content) != _SECRET_BYTES:
        logger.warning("'%s' was not secret: sessions end, and a new one is made.", path)
        path.unlink()
        return None
    return content
