"""What the log of labels says now, by pair: standing labels, flags and how much a review would tell.

These tables hold nothing of their own. Every write that touches a pair writes its rows again from the
log, in the same transaction, so that no page has to read the log to draw, to count or to filter.
"""

import json
from collections.abc import Iterable, Sequence

from sqlite_utils import Database

from cai_core.schema import Chat, chat_from_row
from cai_core.store.levels import levels_of
from cai_core.usefulness import LEVELS

CHUNK = 2_000  # pairs at a time
MEASURING = ("even", "useful")  # queues whose draws make one sequence that measures
ADJUDICATION = "adjudication"  # the queue whose verdict ends a dispute

_THESE = "(SELECT value FROM json_each(?))"

_NOTE_ANNOTATORS = f"""INSERT OR IGNORE INTO annotators
        (kind, annotator, method, principles, template, constitution)
    SELECT DISTINCT l.kind, l.annotator, iif(l.kind = 'judge', l.method, ''),
        iif(l.kind = 'judge', l.principles, ''), iif(l.kind = 'judge', l.template, ''),
        iif(l.kind = 'judge', coalesce(l.constitution_hash, ''), '')
    FROM pairs p JOIN labels l ON l.pair = p.id WHERE p.seq IN {_THESE}"""

# In SQLite the other columns of a row with max() are those of the row that has it.
_STAND = f"""INSERT INTO standing (pair, annotator, label, verdict, p)
    SELECT pair, annotator, label, verdict, p_a FROM (
        SELECT p.seq AS pair, n.id AS annotator, max(l.seq) AS label, l.verdict, l.p_a
        FROM pairs p JOIN labels l ON l.pair = p.id
            JOIN annotators n ON n.kind = l.kind AND n.annotator = l.annotator
                AND n.method = iif(l.kind = 'judge', l.method, '')
                AND n.principles = iif(l.kind = 'judge', l.principles, '')
                AND n.template = iif(l.kind = 'judge', l.template, '')
                AND n.constitution = iif(l.kind = 'judge', coalesce(l.constitution_hash, ''), '')
        WHERE p.seq IN {_THESE} AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
        GROUP BY p.seq, n.id)"""

# Of one annotator of kind rule, on all pairs at once.
_NOTE_RULE = """INSERT OR IGNORE INTO annotators
    (kind, annotator, method, principles, template, constitution) VALUES ('rule', :rule, '', '', '', '')"""
_FALL_OF_RULE = """DELETE FROM standing
    WHERE annotator = (SELECT id FROM annotators WHERE kind = 'rule' AND annotator = :rule)"""
_STAND_OF_RULE = """INSERT INTO standing (pair, annotator, label, verdict, p)
    SELECT pair, n.id, label, verdict, p_a FROM (
        SELECT p.seq AS pair, max(l.seq) AS label, l.verdict, l.p_a
        FROM labels l JOIN pairs p ON p.id = l.pair
        WHERE l.kind = 'rule' AND l.annotator = :rule
            AND NOT EXISTS (SELECT 1 FROM undos u WHERE u.target = l.id)
        GROUP BY p.seq) JOIN annotators n ON n.kind = 'rule' AND n.annotator = :rule"""

# A skip decides nothing: the pair waits for somebody else.
_DECIDES = f"""n.kind = 'person' AND s.verdict != 'skip'
    AND json_extract(l.review, '$.queue') = '{ADJUDICATION}'"""

_FLAGS = f"""UPDATE pair_states SET (judged, inconsistent, readers, said, blind, adjudicated, disputed, contested) = (
        SELECT coalesce(sum(n.kind = 'judge' AND s.verdict IS NOT NULL), 0),
            coalesce(max(n.kind = 'judge' AND l.inconsistent), 0),
            coalesce(sum(n.kind = 'person'), 0),
            coalesce(sum(n.kind = 'person' AND s.verdict != 'skip'), 0),
            coalesce(sum(n.kind = 'person' AND l.blind AND json_extract(l.review, '$.first')), 0),
            coalesce(max({_DECIDES}), 0),
            count(DISTINCT iif(n.kind = 'person' AND s.verdict != 'skip', s.verdict, NULL)) > 1
                AND NOT coalesce(max({_DECIDES}), 0),
            count(DISTINCT iif(n.kind != 'rule' AND s.verdict IN ('a', 'b'), s.verdict, NULL)) > 1
        FROM standing s JOIN annotators n ON n.id = s.annotator JOIN labels l ON l.seq = s.label
        WHERE s.pair = pair_states.pair)
    WHERE pair IN {_THESE}"""

_JUDGED = f"""SELECT s.pair, s.p, l.inconsistent, l.votes, n.annotator FROM standing s
        JOIN annotators n ON n.id = s.annotator JOIN labels l ON l.seq = s.label
    WHERE s.pair IN {_THESE} AND n.kind = 'judge' AND s.verdict IS NOT NULL"""


def add_pairs(db: Database, rows: Sequence[tuple[int, Chat, str, str]]) -> None:
    """Begin a state and index the words of new pairs: (seq, prompt, answer, answer)."""
    words = [(seq, words_of(chat, a, b)) for seq, chat, a, b in rows]
    db.conn.executemany("INSERT INTO pair_words (rowid, words) VALUES (?, ?)", words)
    # one in ten goes to two people: by its identity, so that it stays the same pair
    db.conn.execute(
        f"""INSERT INTO pair_states (pair, split, source, job, twice, level)
        SELECT seq, split, source, job, substr(identity, -2) < '1a', {LEVELS - 1}
        FROM pairs WHERE seq IN {_THESE}""",
        [json.dumps([seq for seq, *_ in rows])],
    )


def words_of(chat: Chat, a: str, b: str) -> str:
    """What a search looks through."""
    return "\n".join([*(turn.content for turn in chat), a, b])


def refresh(db: Database, seqs: Iterable[int]) -> None:
    """Write the rows of these pairs again from the log; call it in the transaction that wrote to it."""
    wanted = sorted(set(seqs))
    for start in range(0, len(wanted), CHUNK):
        these = json.dumps(wanted[start : start + CHUNK])
        db.conn.execute(f"DELETE FROM standing WHERE pair IN {_THESE}", [these])
        for sql in (_NOTE_ANNOTATORS, _STAND, _FLAGS):
            db.conn.execute(sql, [these])
        _refresh_levels(db, these)


def refresh_rule(db: Database, annotator: str) -> None:
    """Write what stands of one rule's labels again; nothing else of a state depends on rules.

    Call it in the transaction that wrote to the log.
    """
    for sql in (_NOTE_RULE, _FALL_OF_RULE, _STAND_OF_RULE):
        db.conn.execute(sql, {"rule": annotator})


def _refresh_levels(db: Database, these: str) -> None:
    """How much a review of each pair would tell, in LEVELS steps; the most where nothing was judged."""
    levels = dict.fromkeys(json.loads(these), LEVELS - 1)
    judged = db.conn.execute(_JUDGED, [these]).fetchall()
    if judged:
        levels |= levels_of(judged)
    db.conn.executemany(
        "UPDATE pair_states SET level = ? WHERE pair = ? AND level != ?",
        [(level, pair, level) for pair, level in levels.items()],
    )


def rebuild(db: Database) -> None:
    """Write everything again from the log: after a step that was added, inside its transaction."""
    for table in ("standing", "annotators", "pair_states"):
        db.conn.execute(f"DELETE FROM {table}")
    db.conn.execute("INSERT INTO pair_words (pair_words) VALUES ('delete-all')")
    last = 0
    while rows := db.conn.execute(_PAIRS, [last, CHUNK]).fetchall():
        add_pairs(db, [(seq, chat_from_row(json.loads(q)), a, b) for seq, q, a, b in rows])
        refresh(db, [row[0] for row in rows])
        last = rows[-1][0]
    db.conn.execute(
        "UPDATE pair_states SET drawn = 1 WHERE pair IN (SELECT pair FROM draws WHERE scope = '')"
    )


_PAIRS = """SELECT p.seq, q.text, a.text, b.text FROM pairs p JOIN texts q ON q.id = p.prompt
    JOIN texts a ON a.id = p.a JOIN texts b ON b.id = p.b WHERE p.seq > ? ORDER BY p.seq LIMIT ?"""
