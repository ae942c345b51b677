"""The fixtures of the command line's room: the console script has its commands."""

from tests.unit.rfuav_ray.cli.conftest import rfuav, service

__all__ = ["rfuav", "service"]
