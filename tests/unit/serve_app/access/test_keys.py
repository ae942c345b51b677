import pytest

from rfuav_ray.errors import RfuavError
from serve_app.access.keys import hash_of, is_slow, keys_of, lines_of, matching, new_key, new_salt
from serve_app.access.scopes import Scope


def test_keys_are_named_or_bare():
    keys = keys_of(["one", "ann:read:two", "key2:write:three", "with:colon", "four"], "API_KEYS")
    named = [(key.name, key.scope.word) for key in keys]
    admin = "admin"
    assert named == [("key1", admin), ("ann", "read"), ("key2", "write"), ("key3", admin), ("key4", admin)]
    for offered, name in ((b"one", "key1"), (b"two", "ann"), (b"with:colon", "key3")):
        assert matching(keys, offered).name == name
    assert matching(keys, b"ann:read:two") is None and matching(keys, b"") is None


def test_keys_a_key_may_hold_colons():
    (key,) = keys_of(["ann:read:one:two:three"], "API_KEYS")
    assert matching([key], b"one:two:three") == key


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["ann:king:a-secret"], "unknown scope"),
        (["ann:READ:a-secret"], "unknown scope"),
        (["ann:read:"], "no key"),
        (["ann:read"], "no key"),
        (["ann:"], "no key"),
        (["an n:read:a-secret"], "the name of a key is"),
        ([":read:a-secret"], "the name of a key is"),
        (["ann:read:a-secret", "ann:write:other"], "'ann' is there twice"),
        (["ann:read:a-secret", "bob:write:a-secret"], "the same key"),
        (["a-secret", "a-secret"], "the same key"),
        (["ann:read:a-secret with spaces"], "without spaces"),
        (["ann:read:a-secret-ä"], "ASCII"),
    ],
)
def test_keys_wrong_entries_are_refused_without_showing_a_key(entries, message):
    with pytest.raises(RfuavError, match=message) as caught:
        keys_of(entries, "API_KEYS")
    assert "API_KEYS" in str(caught.value) and "a-secret" not in str(caught.value)


def test_keys_are_kept_as_salted_hashes_of_which_lines_are_made():
    made = new_key()
    keys = keys_of([f"ann:read:{made}", "bob:write:chosen"], "API_KEYS")
    lines = list(lines_of(keys))
    assert not any(secret in line for line in lines for secret in (made, "chosen"))
    assert keys_of(lines, "the file", only_hashes=True) == keys
    assert [is_slow(key) for key in keys] == [False, True]
    assert matching(keys, made.encode()).scope is Scope.READ and matching(keys, b"chosen").name == "bob"


def test_keys_a_hash_is_no_key():
    (key,) = keys_of(["ann:read:chosen"], "API_KEYS")
    assert matching([key], key.hash.encode()) is None
    with pytest.raises(RfuavError, match="has no hash"):
        keys_of(["ann:read:chosen"], "the file", only_hashes=True)


def test_keys_the_same_key_with_another_salt_has_another_hash_and_fingerprint():
    key = new_key()
    one, other = (keys_of([f"ann:read:{hash_of(key, new_salt())}"], "it")[0] for _ in range(2))
    assert one.hash != other.hash and one.fingerprint != other.fingerprint
    assert matching([one], key.encode()) and matching([other], key.encode())
