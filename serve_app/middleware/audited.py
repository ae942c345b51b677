"""Writes each request that changes something into the audit log, also the refused ones."""

import re
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from serve_app.access.audit_log import LONGEST_PATH, AuditLog
from serve_app.access.caller import CALLER
from serve_app.access.client_address import client_address
from serve_app.access.scopes import READS

#: in the answer of a start
_TASK_ID = re.compile(rb'"task_id":"([A-Za-z0-9._-]{1,64})"')
_TASK_IDS = re.compile(rb'"task_ids":\[([^\]]*)\]')


class Audited:
    """Must run in front of what refuses: CrossSite, KeyCheck."""

    def __init__(self, app: ASGIApp, log: AuditLog) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in READS:
            await self._app(scope, receive, send)
            return
        status: int | None = None
        body = b""

        async def send_noted(message: MutableMapping[str, Any]) -> None:
            nonlocal status, body
            if message["type"] == "http.response.start":
                status = message["status"]
            elif not body:
                body = message.get("body", b"")
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            self._log.write(
                key=CALLER.get().name,
                address=client_address(scope),
                method=scope["method"],
                path=scope["path"][:LONGEST_PATH],
                **_tasks(scope, body),
                status=status,
            )


def _tasks(scope: Scope, body: bytes) -> dict[str, Any]:
    """The task of the route, or those that the answer names."""
    if found := scope.get("path_params", {}).get("task_id"):
        return {"task_id": found[:64]}
    if one := _TASK_ID.search(body):
        return {"task_id": one[1].decode()}
    if several := _TASK_IDS.search(body):
        return {"task_ids": several[1].decode().replace('"', "").split(",")}
    return {"task_id": None}
