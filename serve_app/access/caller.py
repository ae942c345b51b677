"""Who sends the request that is being answered."""

from contextvars import ContextVar
from typing import NamedTuple

from serve_app.access.scopes import Scope


class Caller(NamedTuple):
    #: the key's name; None without a key
    name: str | None
    #: None: may use the open routes alone
    scope: Scope | None

    def may(self, scope: Scope) -> bool:
        return self.scope is not None and self.scope >= scope

    def owns(self, submitted_by: str | None) -> bool:
        """Whether a task is this caller's to change. A task of a time without keys is everybody's."""
        return self.may(Scope.ADMIN) or submitted_by in {None, self.name}


#: a service without keys trusts everybody who reaches it
EVERYBODY = Caller(None, Scope.ADMIN)
NOBODY = Caller(None, None)

#: set anew at the begin of each request
CALLER: ContextVar[Caller] = ContextVar("caller", default=EVERYBODY)
