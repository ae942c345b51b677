"""Whether a client takes what it is sent: Ray Serve does not tell its applications, the kernel does.

Serve accepts whatever an application sends and keeps it in memory until the client reads it. So a stream that a
client does not read would pile up there. Linux shows, for each connection of this machine, how many bytes wait.
"""

import asyncio
import ipaddress
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
LOOK_EVERY_S = 0.02
#: a client is sent so much before it is asked for whether it reads, and may have so much before it yet
BYTES_BETWEEN_LOOKS = 256 * 1024
MOST_WAITING_BYTES = 64 * 1024
ESTABLISHED = "01"

Part = TypeVar("Part", str, bytes)


async def as_read(parts: AsyncGenerator[Part, None], client: tuple[str, int] | None) -> AsyncGenerator[Part, None]:
    """The parts of an endless answer; a client (its address and port) that does not read is not sent more."""
    sent_bytes = 0
    async with aclosing(parts):
        async for part in parts:
            yield part
            sent_bytes += len(part)
            if sent_bytes > BYTES_BETWEEN_LOOKS:
                sent_bytes = 0
                await is_read(client, MOST_WAITING_BYTES)


def waiting_bytes(client: tuple[str, int]) -> int | None:
    """Bytes that wait to be sent to this address and port, or to be acknowledged by it.

    None where that is not known: another system, or a connection that ends on another machine.
    """
    remote = {f"{encoded}:{client[1]:04X}" for encoded in _encoded(client[0])}
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            _, _, remote_address, state, queues, *_ = line.split()
            if remote_address in remote and state == ESTABLISHED:
                return int(queues.partition(":")[0], 16)
    return None


async def is_read(client: tuple[str, int] | None, most_bytes: int) -> None:
    """Wait until no more than so many bytes wait for the client. The caller's cancellation ends it."""
    if client is None:
        return
    while True:
        # Before the first look, too: what was just sent needs a moment to get to the connection.
        await asyncio.sleep(LOOK_EVERY_S)
        if ((await asyncio.to_thread(waiting_bytes, client)) or 0) <= most_bytes:
            return


def _encoded(address: str) -> set[str]:
    """As the kernel writes it: words of four bytes in the machine's order; IPv4 also mapped into IPv6."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return set()
    packed = [ip.packed]
    if ip.version == 4:
        packed.append(b"\0" * 10 + b"\xff\xff" + ip.packed)
    return {
        "".join(f"{int.from_bytes(part[i : i + 4], sys.byteorder):08X}" for i in range(0, len(part), 4))
        for part in packed
    }
