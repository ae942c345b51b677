"""The command `rfuav`."""

from rfuav_ray.cli.commands import main

__all__ = ["main"]
