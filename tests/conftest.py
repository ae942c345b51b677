"""Every test has the marker of its folder: `pytest tests -m browser` runs one kind."""

import os
import signal
import time
from functools import cache
from pathlib import Path

import httpcore2
import pytest
from hypothesis import settings

from rfuav_ray.file_access.roots import within

# A busy machine is slow; that is no failure.
settings.register_profile("without deadlines", deadline=None)
settings.load_profile("without deadlines")

# Reading the certificates of the system takes a tenth of a second, and every HTTP client would do it.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)

TESTS = Path(__file__).parent
#: a Unix time; tests that have not begun by then are skipped
UNTIL_S = float(os.environ.get("TESTS_UNTIL", "inf"))


@pytest.fixture(autouse=True)
def _unconfined():
    """What a test confines this process to, the next one does not know."""
    with within([]):
        yield


def pytest_configure() -> None:
    """A shell ignores SIGINT for what it starts in the background, and `nohup` SIGHUP; our children would, too."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # still ignored here; children get the default


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(item.path.relative_to(TESTS).parts[0])


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    if time.time() > UNTIL_S:
        pytest.skip("the time for tests is over (TESTS_UNTIL)")
