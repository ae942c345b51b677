"""The scopes of keys, and the scope that each route needs."""

from enum import IntEnum


class Scope(IntEnum):
    """A scope includes the lower ones."""

    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The scope as keys and answers name it."""
        return self.name.lower()


WORDS = tuple(scope.word for scope in Scope)

SESSION_PATH = "/api/v1/session"
HEALTH_PATH = "/api/v1/health"
#: the web page's files, which hold no data
PAGE_FOLDER = "/static/"

READS = frozenset({"GET", "HEAD", "OPTIONS"})
#: below these paths everything that is no read needs `admin`
ADMIN_FOLDERS = ("/api/v2/resources",)
#: need no key: health then tells less, and whoever signs in has none yet
OPEN = frozenset({("GET", HEALTH_PATH), ("HEAD", HEALTH_PATH), ("POST", SESSION_PATH)})
#: the exceptions from the rule by method; every key may end its session
OF_ROUTE = {("DELETE", SESSION_PATH): Scope.READ}


def needed_scope(method: str, path: str) -> Scope | None:
    """The scope that a request needs; None where it needs no key. An unknown route follows the rule by method."""
    if (method, path) in OPEN or (method in READS and path.startswith(PAGE_FOLDER)):
        return None
    if method in READS:
        return Scope.READ
    if found := OF_ROUTE.get((method, path)):
        return found
    return Scope.ADMIN if is_below(path, ADMIN_FOLDERS) else Scope.WRITE


def is_below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def scope_of(word: str) -> Scope | None:
    """The scope with this name; None for an unknown one."""
    return Scope[word.upper()] if word in WORDS else None
