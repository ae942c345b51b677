"""Alembic runs this file for every command. The caller owns the connection and its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
