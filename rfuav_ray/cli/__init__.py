"""The commands of `rfuav` that need no Ray; `serve` is added by the console script, serve_app.command.console."""

from rfuav_ray.cli import commands, evaluation_commands, preprocessing_commands, task_commands
from rfuav_ray.cli.app import app, main

#: importing the command modules registers their commands with the app
__all__ = ["app", "commands", "evaluation_commands", "main", "preprocessing_commands", "task_commands"]
