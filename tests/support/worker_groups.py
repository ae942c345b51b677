"""Groups of two workers, in two processes of this machine."""

import multiprocessing
from multiprocessing.connection import Connection

from rfuav_ray.training.workers.seats import Member, Seat

IP = "127.0.0.1"


def seats_of_two() -> tuple[Seat, Seat]:
    """The seats of two workers that meet through a pipe."""
    first, second = multiprocessing.Pipe()
    return Seat(0, 2, IP, Meeting(first)), Seat(1, 2, IP, Meeting(second))


class Meeting:
    def __init__(self, other: Connection) -> None:
        self._other = other

    def __call__(self, own: Member) -> list[Member]:
        self._other.send(own)
        return sorted([own, self._other.recv()], key=lambda member: member.rank)
