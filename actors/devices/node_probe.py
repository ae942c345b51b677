"""Asks a node whether Ray still runs there.

Ray's head notices the death of another node only after some missed health checks, 15 s by default. The workers
of the node are gone at once, so a run that starts again too early would go back to the dead node.
"""

import asyncio
import contextlib

from actors.devices.numbering import Node

ANSWER_WITHIN_S = 2.0


async def answers(node: Node) -> bool:
    """Whether the node's raylet accepts a connection."""
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            _, writer = await asyncio.open_connection(node.address, node.port)
    except OSError:  # TimeoutError too
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
