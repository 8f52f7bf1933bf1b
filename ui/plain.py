"""Other people's and models' text in places that render Markdown or HTML: escaped, never read."""

import html
import re

_LINKED = re.compile(r"(?i)(?<=\bhttp)(?=s?:)|(?<=\bwww)(?=\.)|(?=@)")
_JOINER = "\u2060"  # has no width; a web address with it in it is not made a link
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~:$<>&^=])")


def label(text: str, *, limit: int = 80) -> str:
    r"""One short line for a widget label, tab or caption: white space folded, Markdown escaped.

    >>> label("![x](a/b.png)  *now*", limit=30)
    '\\!\\[x\\]\\(a/b\\.png\\) \\*now\\*'
    >>> label("http://a").isascii()
    False
    """
    line = _LINKED.sub(_JOINER, shorten(text, limit))
    return _MARKDOWN.sub(r"\\\1", line)


def shorten(text: str, limit: int) -> str:
    """The text on one line, cut with an ellipsis.

    >>> shorten("one  two three", 8)
    'one two…'
    """
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def block(text: str) -> str:
    """Text as HTML that shows it as it is: escaped, line breaks kept, long words broken."""
    return (
        '<div style="white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.5">'
        f"{html.escape(text)}</div>"
    )
