"""The triggers of the books, on SQLite and on PostgreSQL: no entry that does not balance, and no change of any row.

Changing a table in batch mode on SQLite makes it anew and loses its triggers: drop() before, create() after.
"""

from alembic import op

from cloud.migrations.triggers import allow_edits, forbid_edits

_MINE = "FROM book_posting p JOIN book_account a ON a.id = p.account_id WHERE p.entry_id = NEW.id"
# Condition that must not hold when an entry is inserted -> what the database says then.
_REFUSED = {
    "(SELECT count(*) FROM book_posting WHERE entry_id = NEW.id) <> NEW.lines": "an entry needs all its postings first",
    f"EXISTS (SELECT 1 {_MINE} AND a.utility_id <> NEW.utility_id)": "an entry stays within one utility",
    f"EXISTS (SELECT 1 {_MINE} GROUP BY a.unit HAVING sum(p.amount) <> 0)": "an entry must balance",
}
_HOLD = (
    "UPDATE book_account SET held = held - "
    "(SELECT sum(amount) FROM book_posting WHERE entry_id = NEW.id AND account_id = book_account.id) "
    "WHERE floored AND id IN (SELECT account_id FROM book_posting WHERE entry_id = NEW.id)"
)
_FIXED = "id, utility_id, code, unit, kind, floored"
_ACCOUNTS_STAY = "an account of the books stays as it is"


def create() -> None:
    """Make every trigger of the books."""
    for table in ("book_entry", "book_posting"):
        forbid_edits(table)
    if op.get_bind().dialect.name == "sqlite":
        _create_on_sqlite()
    else:
        _create_on_postgresql()


def drop() -> None:
    """Take them away again."""
    for table in ("book_entry", "book_posting"):
        allow_edits(table)
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ("book_entry_balances", "book_account_no_update", "book_account_no_delete"):
            op.execute(f"DROP TRIGGER {trigger}")
        return
    op.execute("DROP TRIGGER book_entry_balances ON book_entry")
    for trigger in ("book_account_no_update", "book_account_no_delete"):
        op.execute(f"DROP TRIGGER {trigger} ON book_account")
    op.execute("DROP FUNCTION book_entry_check()")
    op.execute("DROP FUNCTION book_account_refuse()")


def _create_on_sqlite() -> None:
    refused = " ".join(f"SELECT RAISE(ABORT, '{says}') WHERE {wrong};" for wrong, says in _REFUSED.items())
    op.execute(f"CREATE TRIGGER book_entry_balances AFTER INSERT ON book_entry BEGIN {refused} {_HOLD}; END")
    for name, verb in (("update", f"UPDATE OF {_FIXED}"), ("delete", "DELETE")):
        op.execute(
            f"CREATE TRIGGER book_account_no_{name} BEFORE {verb} ON book_account "
            f"BEGIN SELECT RAISE(ABORT, '{_ACCOUNTS_STAY}'); END"
        )


def _create_on_postgresql() -> None:
    refused = " ".join(f"IF {wrong} THEN RAISE EXCEPTION '{says}'; END IF;" for wrong, says in _REFUSED.items())
    op.execute(
        "CREATE FUNCTION book_entry_check() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {refused} {_HOLD}; RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER book_entry_balances AFTER INSERT ON book_entry FOR EACH ROW EXECUTE FUNCTION book_entry_check()"
    )
    op.execute(
        "CREATE FUNCTION book_account_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_ACCOUNTS_STAY}'; END $$"
    )
    for name, verb in (("update", f"UPDATE OF {_FIXED}"), ("delete", "DELETE OR TRUNCATE")):
        op.execute(
            f"CREATE TRIGGER book_account_no_{name} BEFORE {verb} ON book_account "
            "FOR EACH STATEMENT EXECUTE FUNCTION book_account_refuse()"
        )
