"""The command line: serve, migrate, and what must be possible before anybody can sign in."""

import asyncio
import contextlib
import gc
import getpass
import os
import ssl
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cloud import logs, schema
from cloud.app import ALL_SERVICES, build_app
from cloud.audit import heads, sealing, verification
from cloud.audit import service as audit
from cloud.audit.heads import Published
from cloud.audit.verification import Fault
from cloud.auth import operators, rules, second_factor
from cloud.auth import service as auth
from cloud.auth.passwords import PASSWORD_LENGTH_MIN, Passwords
from cloud.broker.cli import app as broker_app
from cloud.clock import SystemClock
from cloud.config import Config, ConfigError, load
from cloud.db import Database
from cloud.errors import CloudError
from cloud.keys import DEAD_SERVICES
from cloud.reports.cli import app as report_app
from cloud.vending.envelope import keyring, write_new_kek
from cloud.vending.keystore import SealedKeyStore
from cloud.verifier_role import grant

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="The Penstock cloud.", pretty_exceptions_enable=False
)
operator_app = typer.Typer(no_args_is_help=True, help="People who work with the cloud.")
key_app = typer.Typer(no_args_is_help=True, help="Keys for programs.")
store_app = typer.Typer(no_args_is_help=True, help="The key store.")
audit_app = typer.Typer(no_args_is_help=True, help="The audit chains.")
app.add_typer(operator_app, name="operator")
app.add_typer(key_app, name="api-key")
app.add_typer(store_app, name="keystore")
app.add_typer(audit_app, name="audit")
app.add_typer(broker_app, name="broker")
app.add_typer(report_app, name="report")

Utility = Annotated[int | None, typer.Option(help="Work for this utility only.")]


def main() -> None:
    """Run the command line; what is the caller's to mend is said in one line."""
    try:
        app()
    except (ConfigError, CloudError, schema.SchemaError) as error:
        print(f"cloud: {error}", file=sys.stderr)  # noqa: T201  # a command line talks on the terminal
        sys.exit(2)


@app.command()
def serve(
    services: Annotated[
        str, typer.Option(help="Background services to run, with commas; none for only HTTP.")
    ] = ",".join(sorted(ALL_SERVICES)),
) -> None:
    """Serve the API and run the background services."""
    config = load()
    logs.set_up(config.log_level)
    asyncio.run(schema.check(config.database_url))
    application = build_app(config, SystemClock(), services=_named(services))
    gc.freeze()  # what is there for good is not looked through again: no request waits for that
    tls = _tls(config)
    try:
        web.run_app(
            application,
            host=config.http_host,
            port=config.http_port,
            ssl_context=tls,
            access_log=None,
            print=lambda line: print(line, file=sys.stderr),  # noqa: T201
        )
    except OSError as error:
        place = f"{config.http_host}:{config.http_port}"
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise ConfigError(
            f"PENSTOCK_HTTP_PORT: cannot listen on {place}: {reason}; end what listens there, or choose another port"
        ) from None
    if application[DEAD_SERVICES]:
        raise typer.Exit(1)  # so that what supervises this process starts it again


def _named(services: str) -> frozenset[str]:
    wanted = frozenset(name for name in services.split(",") if name and name != "none")
    unknown = sorted(wanted - ALL_SERVICES)
    if unknown:
        raise ConfigError(f"there is no service {unknown[0]}; there are {', '.join(sorted(ALL_SERVICES))}")
    return wanted


def _tls(config: Config) -> ssl.SSLContext | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(config.tls_cert, config.tls_key)
    except OSError as error:
        raise ConfigError(f"PENSTOCK_TLS_CERT, PENSTOCK_TLS_KEY: not a PEM pair that fits: {error}") from None
    return context


@app.command("verifier-role")
def verifier_role(
    role: Annotated[str, typer.Argument(help="Name of the role; one that is there gets its rights anew.")],
) -> None:
    """Give the verifier a role of its own in PostgreSQL, which reads what was sold and writes none of it.

    The password is asked for, or read from the standard input. Repeat it after each migrate.
    """
    asyncio.run(_grant(role, _password()))
    print(f"serve --services ingest runs under {role}")  # noqa: T201


async def _grant(role: str, password: str) -> None:
    async with _database() as database:
        await grant(database.engine, role, password)


@app.command()
def migrate() -> None:
    """Bring the database to the newest form."""
    schema.upgrade(load().database_url)
    print("the database is up to date")  # noqa: T201


@contextlib.asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    url = load().database_url
    await schema.check(url)
    database = Database(url)
    try:
        yield database
    finally:
        await database.close()


@contextlib.asynccontextmanager
async def _changing() -> AsyncIterator[AsyncSession]:
    """One transaction; what it leaves in the audit is sealed after it, for no service may be running yet."""
    async with _database() as database:
        async with database.begin() as session:
            yield session
        await sealing.seal_all(database)


@operator_app.command("add")
def add_operator(
    email: str,
    role: Annotated[str, typer.Option(help=", ".join(rules.ROLES))],
    utility: Utility = None,
) -> None:
    """Make an operator; the password is asked for, or read from the standard input."""
    if role not in rules.ROLES:
        raise ConfigError(f"there is no role {role}; there are {', '.join(rules.ROLES)}")
    asyncio.run(_add_operator(email, _password(), role, utility))


def _password() -> str:
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if len(password) < PASSWORD_LENGTH_MIN:
        raise ConfigError(f"a password has at least {PASSWORD_LENGTH_MIN} characters")
    return password


async def _add_operator(email: str, password: str, role: str, utility: int | None) -> None:
    password_hash = await Passwords().hash(password)
    async with _changing() as session:
        await operators.add_operator(
            session,
            auth.command_line(),
            email=email,
            password_hash=password_hash,
            role=role,
            utility_id=utility,
            now=SystemClock().now(),
        )


@operator_app.command("roles")
def roles() -> None:
    """Print which role has which scopes."""
    print(rules.matrix())  # noqa: T201


@operator_app.command("password")
def set_password(email: str) -> None:
    """Give an operator another password, for one that was forgotten; every session of theirs ends."""
    asyncio.run(_set_password(email, _password()))


async def _set_password(email: str, password: str) -> None:
    password_hash = await Passwords().hash(password)
    async with _changing() as session:
        operator = await operators.of_email(session, email)
        now = SystemClock().now()
        await operators.set_password(session, auth.command_line(), operator, password_hash, None, now)


@operator_app.command("deactivate")
def deactivate(email: str) -> None:
    """End an operator: sessions and API keys die at once."""
    asyncio.run(_deactivate(email))


async def _deactivate(email: str) -> None:
    async with _changing() as session:
        operator = await operators.of_email(session, email)
        await operators.deactivate(session, auth.command_line(), operator.id, SystemClock().now())


@key_app.command("add")
def add_key(
    name: str,
    scopes: Annotated[str, typer.Option(help="Scopes with commas, or a role's name for all of its scopes.")],
    utility: Utility = None,
    owner: Annotated[str | None, typer.Option(help="E-mail address of the operator that it belongs to.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="It ends after so many days.")] = None,
) -> None:
    """Make an API key and print it, this once; without an owner it cannot ask for what two people must want."""
    wanted = rules.ROLES.get(scopes) or frozenset(scopes.split(","))
    print(asyncio.run(_add_key(name, wanted, utility, owner, days)))  # noqa: T201


async def _add_key(name: str, scopes: frozenset[str], utility: int | None, owner: str | None, days: int | None) -> str:
    now = SystemClock().now()
    async with _changing() as session:
        person = None if owner is None else await operators.of_email(session, owner)
        ends = None if days is None else now + days * 86400
        made = await auth.add_api_key(
            session, auth.command_line(), name, scopes, utility, now, owner=person, expires_at=ends
        )
        return made[1]


@store_app.command("new-kek")
def new_kek(file: Path) -> None:
    """Write a fresh key-encryption key to a new file that only its owner may read."""
    try:
        write_new_kek(file)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}") from None


@store_app.command("rewrap")
def rewrap() -> None:
    """Put every stored key under the present key-encryption key; the one before is PENSTOCK_KEK_PREVIOUS_FILE."""
    print(f"{asyncio.run(_rewrap())} keys were put under the present key-encryption key")  # noqa: T201


async def _rewrap() -> int:
    ring = keyring(load())
    store = SealedKeyStore(ring)
    async with _changing() as session:
        count = await store.rewrap(session)
        count += 0 if ring is None else await second_factor.rewrap(session, ring)
        now = SystemClock().now()
        detail = {"keys": count}
        await audit.record(
            session, auth.command_line(), "keystore.rewrap", "keystore", detail, utility_id=None, now=now
        )
        return count


@audit_app.command("verify")
def verify_audit() -> None:
    """Check every audit chain against itself, the published heads and what is sealed; exit with 1 at a fault."""
    config = load()
    published = _published(config.audit_heads_file)
    faults = asyncio.run(_faults(published))
    for fault in faults:
        print(f"chain {fault.chain}: {fault.reason}", file=sys.stderr)  # noqa: T201
    if faults:
        raise typer.Exit(1)
    if published.at is None:
        print("no heads were published (PENSTOCK_AUDIT_HEADS_FILE): who wrote all anew is not seen", file=sys.stderr)  # noqa: T201
    print("every audit chain holds")  # noqa: T201


def _published(file: Path | None) -> Published:
    if file is None:
        return Published()
    try:
        return heads.read(file)
    except OSError as error:
        raise ConfigError(f"PENSTOCK_AUDIT_HEADS_FILE: cannot read {file}: {error.strerror}") from None


async def _faults(published: Published) -> list[Fault]:
    async with _database() as database, database.read() as session:
        found = await verification.verdicts(session, auth.command_line(), published, SystemClock().now())
    return [fault for _, fault in found if fault is not None]
