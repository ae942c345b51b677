"""The command `rfuav`."""

from rfuav_ray.cli import commands, preprocessing_commands, task_commands
from rfuav_ray.cli.app import main

#: the modules are named so that they are imported: each adds its commands to the app
__all__ = ["commands", "main", "preprocessing_commands", "task_commands"]
