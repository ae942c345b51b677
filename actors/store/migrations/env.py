"""Alembic runs this for every command: here always on a connection whose transaction is the caller's."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
