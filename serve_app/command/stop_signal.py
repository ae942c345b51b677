"""What a signal does to `rfuav serve`, and what it tells its terminal."""

import os
import signal
import sys
import threading
from types import FrameType

#: a start that hangs is ended this long after a signal
STOP_START_WITHIN_S = 10.0


class StopSignal(threading.Event):
    """Set by SIGINT and SIGTERM. A signal during a start that hangs ends the process."""

    def __init__(self) -> None:
        super().__init__()
        self._is_started = threading.Event()

    def start_is_over(self) -> None:
        """The rest of the process looks at the event itself."""
        self._is_started.set()

    def handle(self, _number: int, _frame: FrameType | None) -> None:
        """Set the event. A handler of signals."""
        if not self.is_set():
            self.set()
            threading.Thread(target=self._end_hanging_start, name="end-hanging-start", daemon=True).start()

    def _end_hanging_start(self) -> None:
        if not self._is_started.wait(STOP_START_WITHIN_S):
            say(f"The start has not ended within {STOP_START_WITHIN_S:.0f} s of the signal. The service ends now.")
            os._exit(1)


def stop_signal() -> StopSignal:
    """The event that SIGINT and SIGTERM set. A signal to all processes also comes from the keeper."""
    stop = StopSignal()
    # Only after ray.init, which installs its own handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop.handle)
    return stop


def say(text: str) -> None:
    """Print the text if a terminal is open: a closed terminal must not keep the service from stopping."""
    try:
        print(text, flush=True)
    except OSError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115  # for later messages, too
