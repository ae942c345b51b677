import pytest

from serve_app.access.scopes import Scope, needed_scope, scope_of


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/api/v2/tasks", Scope.READ),
        ("HEAD", "/api/v2/resources", Scope.READ),
        ("POST", "/api/v2/training/start", Scope.WRITE),
        ("DELETE", "/api/v2/tasks/one", Scope.WRITE),
        ("PUT", "/nowhere", Scope.WRITE),
        ("NONSENSE", "/api/v2/tasks", Scope.WRITE),
        ("POST", "/api/v2/resources/config", Scope.ADMIN),
        ("PUT", "/api/v2/resources", Scope.ADMIN),
        ("POST", "/api/v2/resources_of_another_name", Scope.WRITE),
        ("DELETE", "/api/v1/session", Scope.READ),
        ("GET", "/api/v1/health", None),
        ("POST", "/api/v1/session", None),
        ("GET", "/static/main.js", None),
        ("POST", "/static/main.js", Scope.WRITE),
        ("GET", "/api/v1/health/", Scope.READ),
        ("POST", "/api/v1/health", Scope.WRITE),
    ],
)
def test_scopes_of_routes(method, path, scope):
    assert needed_scope(method, path) is scope


def test_scopes_have_words():
    assert [scope_of(word) for word in ("read", "write", "admin", "king", "READ")] == [*Scope, None, None]
