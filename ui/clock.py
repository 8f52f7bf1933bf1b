"""When something was, as short as it can be told: times are stored in UTC and shown as this machine's."""

from datetime import datetime


def moment(stored: str) -> str:
    """The time of today, else the day too; nothing for no time.

    >>> moment("")
    ''
    """
    if not stored:
        return ""
    when = datetime.fromisoformat(stored).astimezone()
    today = when.date() == datetime.now(when.tzinfo).date()
    return when.strftime("%H:%M" if today else "%d %b %Y %H:%M")
