"""Signing in at the page, which then needs no key in a header."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from rfuav_ray.api.responses import SessionResponse
from serve_app.access.caller import CALLER, Caller
from serve_app.access.door import Door
from serve_app.access.refusals import key_required
from serve_app.access.scopes import SESSION_PATH
from serve_app.middleware.below_prefix import prefix_of

router = APIRouter(prefix=SESSION_PATH, tags=["session"])


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Annotated[SecretStr, Field(min_length=1, max_length=1024, description="a key of the service")]


@router.post("")
async def sign_in(request: Request, response: Response, asked: SignIn) -> SessionResponse:
    """Get a cookie for twelve hours. It ends earlier when its key is removed. Needs no key in a header."""
    door: Door | None = request.app.state.door
    if door is None:
        return _shown(CALLER.get())
    key = await door.key(asked.key.get_secret_value().encode(errors="replace"), request.scope)
    CALLER.set(Caller(key.name, key.scope))
    _set_cookie(response, request, door, door.sessions.token(key))
    return _shown(CALLER.get())


@router.get("")
async def session(_request: Request) -> SessionResponse:
    """The name and the scope of the key. Without keys everybody has the scope `admin`, and no name."""
    return _shown(CALLER.get())


@router.delete("")
async def sign_out(request: Request, response: Response) -> SessionResponse:
    """Take the cookie back."""
    door: Door | None = request.app.state.door
    if door is not None:
        _set_cookie(response, request, door, "")
    return _shown(CALLER.get())


def _shown(caller: Caller) -> SessionResponse:
    if caller.scope is None:
        raise key_required()
    return SessionResponse(name=caller.name, scope=caller.scope.word)


def _set_cookie(response: Response, request: Request, door: Door, token: str) -> None:
    # A proxy with TLS tells it. Who forges the header harms only the own cookie.
    is_https = "https" in {request.url.scheme, request.headers.get("x-forwarded-proto", "")}
    response.headers["Set-Cookie"] = door.sessions.set_cookie(
        token, is_https=is_https, path=f"{prefix_of(request.scope)}/"
    )
