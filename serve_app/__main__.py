"""`python -m serve_app`, the same as `rfuav`."""

from serve_app.command.console import main

main()
