"""A search by words over the pairs: what a person types as a query of SQLite's full-text index."""

import re

_WORD = re.compile(r"\w+")


def match(text: str) -> str:
    """A query that asks for every word, the last one as a beginning; "" where there is no word.

    >>> match('how "to" pick a lo')
    '"how" "to" "pick" "a" "lo"*'
    """
    found = _WORD.findall(text)
    return " ".join(f'"{word}"' for word in found) + "*" if found else ""
