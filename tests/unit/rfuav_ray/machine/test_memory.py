import os
import subprocess
import sys

import psutil
import pytest

from rfuav_ray.machine.memory import descendants, memory_at_most, memory_of, node_memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
GIB = 2**30


def test_node_memory_is_that_of_the_machine_without_a_group(tmp_path):
    found = node_memory(tmp_path / "missing", tmp_path)
    assert found.total_bytes == psutil.virtual_memory().total


@pytest.mark.parametrize("version", [1, 2])
def test_node_memory_is_what_the_group_leaves_without_the_pages_of_files(tmp_path, version):
    group = tmp_path / ("memory/a/b" if version == 1 else "a/b")
    group.mkdir(parents=True)
    own = tmp_path / "own"
    own.write_text("7:memory:/a/b\n" if version == 1 else "0::/a/b\n")
    limit, used, prefix = (
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
        if version == 1
        else ("memory.max", "memory.current", "")
    )
    (group / limit).write_text(f"{GIB}\n")
    (group / used).write_text(f"{GIB // 2}\n")
    (group / "memory.stat").write_text(
        f"anon 1\n{prefix}inactive_file {GIB // 8}\n{prefix}active_file {GIB // 8}\n"
    )
    assert node_memory(own, tmp_path) == (GIB, GIB * 3 // 4)
    (group.parent / limit).write_text("max\n" if version == 2 else f"{2**63 - 4096}\n")  # no limit above
    assert node_memory(own, tmp_path).total_bytes == GIB


def test_memory_of_a_process_is_at_most_the_quick_answer():
    assert 0 < memory_of(os.getpid()) <= memory_at_most(os.getpid()) * 1.05
    with pytest.raises(OSError):
        memory_of(999_999_999)


def test_descendants_are_children_and_their_children():
    code = "import subprocess, sys; subprocess.Popen(['sleep', '60']); print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        found = [*descendants(os.getpid())]
        (below,) = descendants(process.pid)
        psutil.Process(below).kill()
        process.stdin.close()
    assert {process.pid, below} <= {*found}
