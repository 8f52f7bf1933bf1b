"""One self-contained sheet of HTML: its style, and the parts that reports are made of.

Every text that a model or a person wrote is escaped. No script, no link, no image from elsewhere.
"""

import html
from collections.abc import Iterable, Sequence

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2422;--soft:#66716e;--paper:#fcfcfa;--line:#daded9;
--accent:#0f6b62;--bad:#b3382c;--good:#2c7a3d}
@media(prefers-color-scheme:dark){:root{--ink:#e4eae8;--soft:#9aa8a4;--paper:#141918;
--line:#333d3a;--accent:#5cc4b8;--bad:#f08a7e;--good:#7cc78c}}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);
max-width:60rem;margin:2rem auto;padding:0 1rem}
h1,h2{font-family:Georgia,serif;line-height:1.2}h2{margin-top:2.2rem;font-size:1.3rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;
padding:.35rem .6rem;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft)}.soft{color:var(--soft)}.good{color:var(--good)}
.bad{color:var(--bad)}.big{font-size:1.6rem;font-weight:600}
.text{white-space:pre-wrap;overflow-wrap:anywhere}
.bar{position:relative;height:14px;border:1px solid var(--line);border-radius:3px;max-width:30rem}
.bar i{position:absolute;top:0;bottom:0;background:var(--accent);opacity:.35}
.bar b{position:absolute;top:-3px;bottom:-3px;width:3px;background:var(--accent)}
.bar u{position:absolute;top:-3px;bottom:-3px;width:1px;left:50%;background:var(--soft)}
"""


def page(title: str, body: Sequence[str]) -> str:
    """The whole sheet; the parts of the body are HTML already."""
    head = f"<meta charset=utf-8><title>{escaped(title)}</title><style>{_STYLE}</style>"
    head += '<meta name=viewport content="width=device-width,initial-scale=1">'
    return f"<!doctype html><html lang=en><head>{head}</head><body>{''.join(body)}</body></html>\n"


def escaped(value: object) -> str:
    return html.escape(str(value))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are HTML already."""
    top = "".join(f"<th>{escaped(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def text(value: str, *, most: int = 600) -> str:
    cut = value if len(value) <= most else value[:most].rstrip() + " …"
    return f"<div class=text>{escaped(cut)}</div>"
