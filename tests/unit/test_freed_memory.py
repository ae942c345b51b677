"""In processes of their own, as the settings stay."""

import ctypes
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library is not glibc"
)

MEASURE = """
import resource
from pathlib import Path

# Larger than glibc ever takes from its heap by itself; no constant, or the compiler would make the pieces.
PIECE_BYTES = int("40_000_000")
PAGES = PIECE_BYTES // resource.getpagesize()


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def pages_fetched(times=10):
    b"x" * PIECE_BYTES
    before = faults()
    for _ in range(times):
        b"x" * PIECE_BYTES
    return (faults() - before) / times


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

"""


def run(code):
    subprocess.run([sys.executable, "-c", MEASURE + code], check=True, timeout=60)


def test_what_is_freed_is_used_again():
    run("""
from rfuav_ray.freed_memory import keep_freed_memory

fetched = pages_fetched()
assert fetched > 5  # of whatever size they are
keep_freed_memory()
assert pages_fetched() < fetched / 20, fetched
""")


def test_the_system_gets_it_back_at_the_end():
    run("""
from rfuav_ray.freed_memory import freed_memory_kept

before = resident_pages()
try:
    with freed_memory_kept():
        b"x" * PIECE_BYTES
        assert resident_pages() - before > PAGES / 2
        raise KeyError
except KeyError:
    assert resident_pages() - before < PAGES / 2
""")
