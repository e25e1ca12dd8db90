"""Runs the migrations on the connection that `optria.db.upgrade` opens, or writes them as SQL.

To write a revision, upgrade an empty database, compare it with the tables of `optria.db`, and add a file to
`versions/` by hand: additive steps only, each beginning with `SET LOCAL lock_timeout`.
"""

from alembic import context


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        context.configure(dialect_name="postgresql", as_sql=True, transaction_per_migration=True)
    else:
        context.configure(connection=connection, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


run()
