import logging

import pytest

from serve_app.access.guesses import BURST, LINES_A_MINUTE, MAX_ADDRESSES, REFILL_S, Guesses
from tests.support.clock import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def guesses(clock):
    return Guesses(clock)


def guess(guesses, address, times=BURST):
    for _ in range(times):
        assert guesses.wait_s(address) == 0
        guesses.count(address)
        guesses.was_wrong(address, "GET", "/api/v2/tasks")


def test_guesses_after_ten_one_more_is_allowed_every_six_seconds(guesses, clock):
    guess(guesses, "10.0.0.7")
    assert guesses.wait_s("10.0.0.7") == REFILL_S
    clock.now_s += REFILL_S
    guess(guesses, "10.0.0.7", 1)
    assert guesses.wait_s("10.0.0.7") == REFILL_S
    clock.now_s += BURST * REFILL_S
    guess(guesses, "10.0.0.7")


def test_guesses_of_others_and_right_keys_do_not_count(guesses):
    guess(guesses, "10.0.0.7")
    assert guesses.wait_s("10.0.0.8") == 0
    for _ in range(3 * BURST):
        assert guesses.wait_s("10.0.0.8") == 0
        guesses.count("10.0.0.8")
        guesses.was_right("10.0.0.8")
    guesses.was_right("10.0.0.9")


def test_guesses_of_one_ipv6_network_count_as_one(guesses):
    for number in range(BURST):
        guess(guesses, f"2001:db8::{number:x}", 1)
    assert guesses.wait_s("2001:db8::ffff") > 0 and guesses.wait_s("2001:db8:1::1") == 0


def test_guesses_the_table_is_bounded(guesses):
    guess(guesses, "10.0.0.7")
    for number in range(MAX_ADDRESSES):
        guesses.count(f"address {number}")
    assert guesses.wait_s("10.0.0.7") == 0


def test_guesses_are_logged_with_their_address_and_not_without_end(guesses, clock, caplog):
    with caplog.at_level(logging.WARNING):
        guess(guesses, "10.0.0.7")
        for _ in range(50):
            assert guesses.wait_s("10.0.0.7") > 0
        assert len(caplog.records) == BURST + 1 and "Too many wrong keys from 10.0.0.7" in caplog.text
        for number in range(1000):
            guesses.was_wrong(f"10.1.0.{number}", "GET", "/a\nb")
        assert len(caplog.records) == LINES_A_MINUTE + 1
        assert not any("\n" in record.getMessage() for record in caplog.records)
        clock.now_s += 60
        guesses.was_wrong("10.2.0.1", "GET", "/")
        assert "10.2.0.1" in caplog.text
