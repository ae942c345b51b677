"""`python -m rfuav_ray`, the entry point of a Ray job: another name of `python -m serve_app.command.job`."""

import runpy

# Not an import: this package works without the others, and this program is theirs.
runpy.run_module("serve_app.command.job", run_name="__main__")
