"""The tables of the first release, which kept its schema version in a table."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    # That release created the tables one by one. If killed at its first start, it left some and no version.
    op.create_table("schema", sa.Column("version", sa.Integer, primary_key=True), if_not_exists=True)
    op.create_table(
        "settings",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False, unique=True),
        sa.Column("record", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("task_id", sa.String(64), primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("source", sa.String(80), nullable=False),
        sa.Column("source_index", sa.BigInteger, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("is_final", sa.Boolean, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_events_is_final", "events", ["is_final"], if_not_exists=True)
