"""Pauses a stream while its client does not read it.

Ray Serve accepts everything that an application sends and keeps it in memory until the client reads it. It does
not report how much the client has read. Linux shows how many bytes wait on each connection of this machine.
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
#: bytes that are sent between two checks of the connection
BYTES_BETWEEN_LOOKS = 256 * 1024
#: The stream resumes when no more than this many bytes wait for the client.
MOST_WAITING_BYTES = 64 * 1024
ESTABLISHED = "01"

Part = TypeVar("Part", str, bytes)


async def paced(parts: AsyncGenerator[Part, None], client: tuple[str, int] | None) -> AsyncGenerator[Part, None]:
    """Yield the parts of an endless answer, and pause while the client does not read them.

    Args:
        parts: the answer.
        client: the client's address and port. None: the answer is never paused.
    """
    sent_bytes = 0
    async with aclosing(parts):
        async for part in parts:
            yield part
            sent_bytes += len(part)
            if sent_bytes > BYTES_BETWEEN_LOOKS:
                sent_bytes = 0
                await wait_until_read(client, MOST_WAITING_BYTES)


def waiting_bytes(client: tuple[str, int]) -> int | None:
    """The bytes that wait to be sent to this address and port, or to be acknowledged by it.

    Returns:
        None when the number is not known: on a system other than Linux, or for a connection of another machine.
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


async def wait_until_read(client: tuple[str, int] | None, max_bytes: int) -> None:
    """Wait until at most `max_bytes` bytes wait for the client. There is no time limit: the caller may cancel."""
    if client is None:
        return
    while True:
        # Sleep before the first check, too: sent bytes need a moment to reach the connection.
        await asyncio.sleep(LOOK_EVERY_S)
        if ((await asyncio.to_thread(waiting_bytes, client)) or 0) <= max_bytes:
            return


def _encoded(address: str) -> set[str]:
    """The address as the kernel writes it: 4-byte words in the machine's byte order. IPv4 also as mapped IPv6."""
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
