"""The form of the database: bringing it up to date with Alembic, and refusing to serve on another."""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from cloud.db import Database, driver_url

_MIGRATIONS = Path(__file__).parent / "migrations"


class SchemaError(Exception):
    """The database does not have the form that this program needs."""


def alembic_config(url: str) -> AlembicConfig:
    """Return Alembic's configuration for a database; there is no alembic.ini."""
    config = AlembicConfig()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["url"] = driver_url(url)
    return config


def upgrade(url: str) -> None:
    """Bring a database to the newest form; not from within an event loop."""
    command.upgrade(alembic_config(url), "head")


async def check(url: str) -> None:
    """Raise SchemaError unless the database is in the newest form."""
    newest = ScriptDirectory.from_config(alembic_config(url)).get_current_head()
    database = Database(url)
    try:
        async with database.engine.connect() as connection:
            present = await connection.run_sync(_revision)
    except (OSError, DBAPIError) as error:
        raise SchemaError(f"PENSTOCK_DATABASE_URL: the database does not answer: {_line(error)}") from None
    finally:
        await database.close()
    if present != newest:
        raise SchemaError(
            f"the database is at {present or 'no'} revision, {newest} is needed: run python -m cloud migrate"
        )


def _line(error: OSError | DBAPIError) -> str:
    return str(getattr(error, "orig", error)).partition("\n")[0]


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
