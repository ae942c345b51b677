"""Finds out who sends a request: by the key in a header, or by the cookie of a sign-in."""

from starlette.types import Scope as Request

from rfuav_ray.settings import Settings
from serve_app.access.caller import NOBODY, Caller
from serve_app.access.client_address import client_address
from serve_app.access.guesses import Guesses
from serve_app.access.keyring import CurrentKeys
from serve_app.access.keys import Key
from serve_app.access.refusals import TooManyGuesses, wrong_key
from serve_app.access.sessions import Sessions


class Door:
    def __init__(self, settings: Settings) -> None:
        """Raises RfuavError for wrong keys in the settings."""
        self._keys = CurrentKeys(settings)
        self._guesses = Guesses()
        self.sessions = Sessions(settings.state_dir, settings.port)

    async def caller(self, request: Request) -> Caller:
        """Who sends this request. A key in a header counts before a cookie.

        Raises:
            Refusal: The key is wrong, or too many wrong ones came from there.
        """
        headers = dict(request["headers"])
        if offered := _offered(headers):
            return _as_caller(await self.key(offered, request))
        key = self._signed_in(headers)
        return NOBODY if key is None else _as_caller(key)

    def still_admits(self, request: Request) -> bool:
        """Whether the key or the sign-in of a request that was let in is valid now."""
        headers = dict(request["headers"])
        if offered := _offered(headers):
            return self._keys.ring().seen(offered) is not None
        return self._signed_in(headers) is not None

    async def key(self, offered: bytes, request: Request) -> Key:
        """Check a key. Raises Refusal."""
        ring = self._keys.ring()
        # A key in use works on, whatever else comes from its address.
        if (seen := ring.seen(offered)) is not None:
            return seen
        address = client_address(request)
        if wait_s := self._guesses.wait_s(address):
            raise TooManyGuesses(wait_s)
        self._guesses.count(address)
        found = await ring.find(offered)
        if found is None:
            self._guesses.was_wrong(address, request["method"], request["path"])
            raise wrong_key()
        self._guesses.was_right(address)
        return found

    def _signed_in(self, headers: dict[bytes, bytes]) -> Key | None:
        """The key that a cookie of the request stands for."""
        ring = self._keys.ring()
        tokens = self.sessions.offered(headers.get(b"cookie", b""))
        return next((key for token in tokens if (key := self.sessions.key_of(token, ring)) is not None), None)


def _offered(headers: dict[bytes, bytes]) -> bytes:
    scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else headers.get(b"x-api-key", b"")


def _as_caller(key: Key) -> Caller:
    return Caller(key.name, key.scope)
