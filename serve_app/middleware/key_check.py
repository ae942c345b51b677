"""Lets requests in that have a key, or a sign-in, of the scope that their route needs."""

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.access.caller import CALLER, NOBODY
from serve_app.access.door import Door
from serve_app.access.refusals import Refusal, key_required, scope_too_low
from serve_app.access.scopes import needed_scope
from serve_app.error_answers import answer_to
from serve_app.pages.page import wants_page
from serve_app.pages.sign_in import is_for_people, sign_in_page


class KeyCheck:
    """Answers 401, 403 or 429 to the others."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = await self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, send)
        elif refusal.code == 401 and is_for_people(scope):
            await sign_in_page()(scope, receive, send)
        else:
            await answer_to(refusal)(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Refusal | None:
        """Why the request is not let in; sets CALLER."""
        CALLER.set(NOBODY)
        needed = None if _is_page(scope) else needed_scope(scope["method"], scope["path"])
        try:
            caller = await self._door.caller(scope)
        except Refusal as refusal:
            return None if needed is None else refusal
        CALLER.set(caller)
        if needed is None or caller.may(needed):
            return None
        return key_required() if caller.scope is None else scope_too_low(caller, needed)


def _is_page(scope: Scope) -> bool:
    """Browsers get the page without a key. The index for other clients needs one."""
    return scope["path"] == "/" and wants_page(scope)
