"""The commands of `rfuav` that need no Ray; `serve` is added by the console script, serve_app.command.console."""

from rfuav_ray.cli.app import app, main

# isort: off
# In the order of `rfuav --help`.
from rfuav_ray.cli.commands import runs as _runs
from rfuav_ray.cli.commands import evaluation as _evaluation
from rfuav_ray.cli.commands import preprocessing as _preprocessing
from rfuav_ray.cli.commands import tasks as _tasks
# isort: on

#: importing the command modules registers their commands with the app
COMMANDS = (_runs, _evaluation, _preprocessing, _tasks)

__all__ = ["COMMANDS", "app", "main"]
