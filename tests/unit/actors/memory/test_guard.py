"""The guard with real processes, and the memory of a machine that is played."""

import subprocess
import sys

import psutil
import pytest

from actors.memory.guard import MemoryGuard
from rfuav_ray.machine.memory import Memory, memory_of

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the memory guard works on Linux alone")
MIB = 2**20
ROOMY, SHORT = Memory(1000 * MIB, 500 * MIB), Memory(1000 * MIB, 10 * MIB)
TAKES = "import sys; taken = bytearray(int(sys.argv[1]) * 2**20); print('taken', flush=True); sys.stdin.read()"
STARTS_A_CHILD = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', *sys.argv[1:]]); child.wait()"
)


@pytest.fixture
def run(tmp_path):
    """Start a process that takes so many MiB and works for a run; returns it."""
    started = []

    def start(run_id, size_mib, *, in_child=False):
        words = [STARTS_A_CHILD, TAKES, str(size_mib)] if in_child else [TAKES, str(size_mib)]
        process = subprocess.Popen(
            [sys.executable, "-c", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout.readline() == "taken\n"
        (tmp_path / str(process.pid)).write_text(f"{psutil.Process(process.pid).create_time()} {run_id}")
        return process

    yield start
    for process in started:
        for child in psutil.Process(process.pid).children() if process.poll() is None else ():
            child.kill()
        process.kill()
        process.communicate()


def test_guard_ends_the_run_beyond_the_limit_alone(run, tmp_path):
    small, large = run("small:1", 20), run("large:1", 200)
    guard = MemoryGuard(tmp_path, 0.15, lambda: ROOMY)
    guard.look()
    assert large.wait(20) == -9 and small.poll() is None
    assert "the limit is 0.15 GiB" in str(guard.why_ended("large:1"))
    assert guard.why_ended("small:1") is None


def test_guard_counts_the_processes_of_a_run_together_and_ends_all(run, tmp_path):
    worker, driver = run("task:1", 90), run("task:1", 90, in_child=True)
    (child,) = psutil.Process(driver.pid).children()
    MemoryGuard(tmp_path, 0.25, lambda: ROOMY).look()
    assert worker.poll() is None
    MemoryGuard(tmp_path, 0.15, lambda: ROOMY).look()
    assert worker.wait(20) == driver.wait(20) == -9
    child.wait(20)


def test_guard_ends_the_largest_run_when_the_machine_is_short_and_then_waits_for_its_end(run, tmp_path):
    first, second = run("first:1", 100), run("second:1", 60)
    guard = MemoryGuard(tmp_path, 0, lambda: SHORT)
    guard.look()
    guard.look()  # the dead process is not waited for yet, so it is still there
    assert second.poll() is None
    assert first.wait(20) == -9
    guard.look()
    assert second.wait(20) == -9


def test_guard_does_nothing_while_there_is_memory(run, tmp_path):
    process = run("task:1", 50)
    MemoryGuard(tmp_path, 0.8, lambda: ROOMY).look()
    assert process.poll() is None


def test_guard_does_not_count_the_pages_of_files(run, tmp_path):
    """A recording that is read through a memory map costs nothing: the kernel drops its pages."""
    (tmp_path / "recording").write_bytes(bytes(100 * MIB))
    code = (
        "import mmap, sys; file = open(sys.argv[1], 'rb'); "
        "seen = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ); sum(seen[::4096]); "
        "print('seen', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "recording")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        assert memory_of(process.pid) < 40 * MIB
        process.stdin.close()
