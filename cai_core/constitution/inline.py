"""Markdown inside a line: taken out of a wording, and kept from being read where it is put in."""

import re

_PUNCTUATION = r"[!-/:-@\[-`{-~•‣–]"
_SHIFT = 0x100  # an escaped character is "\x00" and one this much higher while markup is taken out
_ESCAPED = re.compile(rf"\\({_PUNCTUATION})")
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)([^`]+)\1(?!`)")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_COMMENT = re.compile(r"<!--[^<>]*-->|</?[a-zA-Z][^<>]*>|\[\^[\w-]+\]")  # and footnote marks
_MARKS = (  # not a pattern with a back reference: these stay linear on any text
    re.compile(r"(?<![\w*])\*\*\*(?=[^\s*])([^*]+)(?<=\S)\*\*\*(?![\w*])"),
    re.compile(r"(?<![\w*])\*\*(?=[^\s*])([^*]+)(?<=\S)\*\*(?![\w*])"),
    re.compile(r"(?<![\w*])\*(?=[^\s*])([^*]+)(?<=\S)\*(?![\w*])"),
    re.compile(r"(?<![\w_])__(?=[^\s_])([^_]+)(?<=\S)__(?![\w_])"),
    re.compile(r"(?<![\w_])_(?=[^\s_])([^_]+)(?<=\S)_(?![\w_])"),
)
_HIDDEN = re.compile("\x00(.)", re.DOTALL)
_SPECIAL = re.compile(r"([\\`*_\[\]<>{}])")
# What would make a line something else than text: a heading, an item, a quote, a table, a rule.
_BEGINS = re.compile(r"(?:[#>|=~!+•‣–-]|\(?\w{1,3}[.)](?=\s)|\(?\w{1,3}\)|:)")


def plain(text: str) -> str:
    """The words of a line: emphasis, links and tags out, escapes undone, code without backticks.

    >>> plain("Be **kind** to [people](http://x) and say `2*3*4` or 5\\\\*6")
    'Be kind to people and say 2*3*4 or 5*6'
    """
    text = _ESCAPED.sub(lambda found: _hide(found[1]), text)
    text = _CODE.sub(lambda found: _hide(found[2]), text)
    text = _COMMENT.sub("", _LINK.sub(r"\1", text))
    for mark in _MARKS:
        text = mark.sub(r"\1", text)
    return " ".join(_HIDDEN.sub(lambda found: chr(ord(found[1]) - _SHIFT), text).split())


def escaped(text: str) -> str:
    r"""A line of Markdown that `plain` reads as this text; white space is folded.

    >>> escaped("- a *b*"), plain(escaped("- a *b*"))
    ('\\- a \\*b\\*', '- a *b*')
    """
    line = _SPECIAL.sub(r"\\\1", folded(text))
    begun = _BEGINS.match(line)
    if begun:
        at = next(i for i, sign in enumerate(line) if not sign.isalnum())
        line = f"{line[:at]}\\{line[at:]}" if line[at] != "\\" else line
    return line


def folded(text: str) -> str:
    """One line: runs of white space and control characters made one space."""
    return " ".join(re.sub("[\x00-\x1f\x7f]", " ", text).split())


def _hide(text: str) -> str:
    return "".join(f"\x00{chr(ord(sign) + _SHIFT)}" for sign in text)
