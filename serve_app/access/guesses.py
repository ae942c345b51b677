"""Wrong keys by address. After ten of them an address may try a new key every six seconds."""

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from serve_app.access.client_address import network_of

#: wrong keys at once, and seconds until one more is allowed
BURST, REFILL_S = 10, 6.0
MAX_ADDRESSES = 10_000
#: lines in the log for all addresses together
LINES_A_MINUTE = 60

logger = logging.getLogger(__name__)


class Guesses:
    """Counts in this process alone: each replica of the API has its own."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: when the address has all of its tries again
        self._whole_again_s: OrderedDict[str, float] = OrderedDict()
        self._minute, self._lines = 0, 0
        self._refused: set[str] = set()

    def wait_s(self, address: str) -> int:
        """Seconds until this address may try a key that was not seen before; 0: now."""
        client = network_of(address)
        left_s = self._whole_again_s.get(client, 0.0) - self._clock() - (BURST - 1) * REFILL_S
        if left_s <= 0:
            return 0
        if client not in self._refused:
            self._log("Too many wrong keys from %s: keys from there are not tried for %.0f s.", address, left_s)
            self._refused.add(client)
        return math.ceil(left_s)

    def count(self, address: str) -> None:
        """Count a try. Call it before the key is checked: else a thousand tries at once would all be the first."""
        client = network_of(address)
        self._whole_again_s[client] = max(self._whole_again_s.get(client, 0.0), self._clock()) + REFILL_S
        self._whole_again_s.move_to_end(client)
        self._refused.discard(client)
        if len(self._whole_again_s) > MAX_ADDRESSES:
            oldest, _ = self._whole_again_s.popitem(last=False)
            self._refused.discard(oldest)

    def was_right(self, address: str) -> None:
        """Take a try back: its key was valid."""
        client = network_of(address)
        if client in self._whole_again_s:
            self._whole_again_s[client] -= REFILL_S

    def was_wrong(self, address: str, method: str, path: str) -> None:
        self._log("A wrong key from %s for %s %.200r.", address, method, path)

    def _log(self, text: str, *arguments: object) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines <= LINES_A_MINUTE:
            logger.warning(text, *arguments)
        elif self._lines == LINES_A_MINUTE + 1:
            logger.warning("More wrong keys come than are listed here.")
