"""The list of migration steps, and a table that only grows."""

from sqlite_utils import Database, Migrations

STEPS = Migrations("ratify")


def frozen(db: Database, table: str, *, sentence: str, updates_of: str = "") -> None:
    """Refuse UPDATE (of some columns) and DELETE on a table."""
    columns = f" OF {updates_of}" if updates_of else ""
    for action in (f"UPDATE{columns}", "DELETE"):
        word = action.split()[0].lower()
        db.execute(
            f"CREATE TRIGGER {table}_no_{word} BEFORE {action} ON {table}"
            f" BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        )
