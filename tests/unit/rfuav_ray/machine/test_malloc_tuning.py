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


def figures(code):
    """What the code prints: two numbers."""
    command = [sys.executable, "-c", MEASURE + code]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    return map(float, done.stdout.split())


def test_malloc_tuning_what_is_freed_is_used_again():
    before, after = figures("""
from rfuav_ray.machine.malloc_tuning import keep_freed_memory

before = pages_fetched()
keep_freed_memory()
print(before, pages_fetched())
""")
    assert before > 5  # of whatever size they are
    assert after < before / 20


def test_malloc_tuning_the_system_gets_it_back_at_the_end():
    kept, left = figures("""
from rfuav_ray.machine.malloc_tuning import freed_memory_kept

before = resident_pages()
try:
    with freed_memory_kept():
        b"x" * PIECE_BYTES
        kept = resident_pages() - before
        raise KeyError
except KeyError:
    print(kept / PAGES, (resident_pages() - before) / PAGES)
""")
    assert kept > 0.5
    assert left < 0.5
