"""Migrates on the connection that the store passes; Alembic runs this."""

from alembic import context

from tokensvc.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
