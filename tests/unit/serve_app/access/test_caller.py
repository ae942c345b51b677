from serve_app.access.caller import EVERYBODY, NOBODY, Caller
from serve_app.access.scopes import Scope


def test_caller_a_scope_includes_the_lower_ones():
    writer = Caller("ann", Scope.WRITE)
    assert [writer.may(scope) for scope in Scope] == [True, True, False]
    assert not NOBODY.may(Scope.READ) and EVERYBODY.may(Scope.ADMIN)


def test_caller_owns_its_tasks_and_those_of_nobody_and_an_admin_owns_all():
    writer = Caller("ann", Scope.WRITE)
    assert [writer.owns(name) for name in ("ann", None, "bob")] == [True, True, False]
    assert Caller("root", Scope.ADMIN).owns("bob") and EVERYBODY.owns("bob")
