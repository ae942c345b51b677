"""Signals to `rfuav serve`."""

import subprocess
import sys

PROGRAM = """
import os, signal, sys
from serve_app.command import stop_signal
stop_signal.STOP_START_WITHIN_S = 0.01
stop = stop_signal.stop_signal()
if sys.argv[1] == "started":
    stop.start_is_over()
os.kill(os.getpid(), signal.SIGTERM)
assert stop.wait(30)
if sys.argv[1] == "started":
    sys.exit(0)
signal.pause()
"""


def test_stop_signal_ends_a_start_that_hangs():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "hangs"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "The start has not ended within" in done.stdout


def test_stop_signal_leaves_the_stop_to_a_service_that_has_started():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, "started"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
