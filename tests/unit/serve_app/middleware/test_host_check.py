import socket
import threading

import psutil
import pytest

from serve_app.middleware.host_check import HostCheck
from tests.support.asgi import ask, passes

NAME = socket.gethostname()


def status(*hosts, host="127.0.0.1", allowed=()):
    middleware = HostCheck(passes, host=host, allowed=allowed)
    return ask(middleware, *(("host", value) for value in hosts))[0]


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8000",
        "LocalHost:8000",
        "localhost.",
        "localhost.:8000",
        "127.0.0.1",
        "127.0.0.1:8000",
        "127.0.0.1:",
        "127.255.0.9:80",
        "[::1]",
        "[::1]:8000",
        "[0:0:0:0:0:0:0:1]:8000",
        "[::1%lo]:8000",
        "[::ffff:127.0.0.1]:8000",
        "[::ffff:7f00:1]",
        NAME,
        f"{NAME.upper()}:8000",
        f"{NAME.partition('.')[0]}.local",
    ],
)
def test_host_check_the_loopback_and_this_machines_name_are_ours(host):
    assert status(host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.test",
        "evil.test:8000",
        "",
        ":8000",
        ".",
        "localhost..",
        "localhost.evil.test",
        "evil.localhost",
        "evil-localhost",
        "127.0.0.1.evil.test",
        "127.0.0.1.nip.io",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.01",
        "0.0.0.0",
        "8.8.8.8",
        "[::]",
        "[::2]:8000",
        "[fe80::1%eth0]",
        "[::1",
        "::1",
        "[evil.test]",
        "[127.0.0.1]",
        "[::1]evil.test",
        "[::1%]",
        "localhost:8000:80",
        "localhost:evil.test",
        "localhost:80@evil.test",
        "evil.test@localhost",
        "user:secret@localhost",
        "localhost/evil.test",
        "localhost evil.test",
        "localhost,evil.test",
        "localhost\tevil.test",
        " localhost",
        "http://localhost",
        "l\xf6calhost",
        "localhost\0",
        "localhost:" + "8" * 6,
        "a" * 100_000,
        ":" * 1000,
        f"{NAME}.evil.test",
    ],
)
def test_host_check_other_hosts_are_refused(host):
    assert status(host) == 421


def test_host_check_a_request_needs_one_host():
    assert status() == status("localhost", "localhost") == status("localhost", "evil.test") == 421


def test_host_check_other_headers_do_not_count():
    middleware = HostCheck(passes, host="127.0.0.1", allowed=())
    others = [("x-forwarded-host", "localhost"), ("forwarded", "host=localhost"), ("x-host", "localhost")]
    assert ask(middleware, ("host", "evil.test"), *others)[0] == 421
    assert ask(middleware, ("host", "localhost"), ("x-forwarded-host", "evil.test"))[0] == 200


def test_host_check_the_refusal_says_what_to_do():
    _, body = ask(HostCheck(passes, host="127.0.0.1", allowed=()), ("host", "lab.example\x01"))
    assert body["status"] == "error" and r"'lab.example\x01'" in body["message"]
    assert "ALLOWED_HOSTS" in body["message"]


def test_host_check_an_address_of_this_machine_is_ours():
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET:
                assert status(f"{address.address}:8000") == 200
            if address.family == socket.AF_INET6:
                assert status(f"[{address.address}]:8000") == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "10.1.2.3", "::", "lab-server"])
def test_host_check_every_address_is_ours_where_other_machines_connect(host):
    for address in ("8.8.8.8", "10.0.0.1:8000", "[2001:db8::1]:80", "[fe80::1%eth0]:8000", "[fe80::1%25eth0]"):
        assert status(address, host=host) == 200
    for other in ("evil.test", "10.0.0.1.evil.test", "10.1", "[fe80::1"):
        assert status(other, host=host) == 421


def test_host_check_the_name_to_listen_on_is_ours():
    assert status("Lab-Server:8000", host="lab-server") == 200
    assert status("lab-server2", host="lab-server") == 421


@pytest.mark.parametrize(
    ("allowed", "host", "expected"),
    [
        ("lab.example", "LAB.example:443", 200),
        ("lab.example", "lab.example.", 200),
        ("lab.example", "a.lab.example", 421),
        ("lab.example", "notlab.example", 421),
        ("*.lab.example", "a.lab.example", 200),
        ("*.lab.example", "a.b.lab.example:1", 200),
        ("*.lab.example", "lab.example", 421),
        ("*.lab.example", ".lab.example", 421),
        ("*.lab.example", "evillab.example", 421),
        ("*.lab.example", "a.lab.example.evil.test", 421),
        ("*", "evil.test", 200),
        ("10.9.8.7", "10.9.8.7:8000", 200),
        ("2001:db8::1", "[2001:DB8::1]:8000", 200),
    ],
)
def test_host_check_the_operator_may_allow_names(allowed, host, expected):
    assert status(host, allowed=(allowed,)) == expected


def test_host_check_the_full_name_of_this_machine_is_ours(monkeypatch):
    monkeypatch.setattr(socket, "getfqdn", lambda: f"{NAME}.Lab.Example")
    middleware = HostCheck(passes, host="127.0.0.1", allowed=())
    full_name = ("host", f"{NAME}.lab.example")
    for thread in threading.enumerate():
        if thread.name == "full-name":  # It asks for the name.
            thread.join()
    assert ask(middleware, full_name)[0] == 200


def test_host_check_many_values_are_not_remembered_for_ever():
    middleware = HostCheck(passes, host="0.0.0.0", allowed=("*.lab.example",))
    for number in range(3000):
        assert ask(middleware, ("host", f"h{number}.lab.example"))[0] == 200
        assert ask(middleware, ("host", f"h{number}.evil.test"))[0] == 421
    assert len(middleware._remembered) <= 1000  # noqa: SLF001
