"""What lint says of one wording, whatever stands beside it.

Every pattern looks for words, not for meaning: docs/lint.md says how often it is right.
"""

import re

from cai_core.constitution.qualities import families, quality, word_set, words

LONG = 70  # words; twice the longest wording that is shipped
READ = 600  # characters of a text in which two questions are looked for: more than LONG words

# -- only negative

_NEGATIVE = re.compile(  # "Which response [is|does|would do ...] less, not, avoids ..."
    r"^\W*(?:(?:which|choose|pick|prefer|select)\W+(?:of (?:the |these )?(?:\w+ )?)?(?:the )?"
    r"(?:response|answer|option|reply)s?\W+(?:that )?)?"
    r"(?:\w+\W+){0,2}?(?:avoids?|less|least|not|never|refus\w+|declin\w+|rejects?|refrains?|omits?|lacks?"
    r"|no|nothing|without|fewe(?:r|st)|free of|leaves? out|(?:stay|keep)s? away from|\w+n['’]t)\b",
    re.IGNORECASE,
)
_LEAST = re.compile(
    r"^\W*which \w+ (?:would|could|might|will) \w+ (?:the )?(?:least|less|fewe)", re.I
)
_HOW = re.compile(r"\w+ly(?=\W+(?:avoid|refus|declin|reject))", re.IGNORECASE)
_TURN = re.compile(  # what follows names something that a good answer does
    r"\b(?:but|while|instead|where it can|(?:and|or) (?:more|better|still(?! not)|helps?|explains?|offers?|shows?"
    r"|opens?|keeps?|says?|answers?|treats?|protects?|does the))\b|[.?]\s+(?:choose|prefer|pick)\b(?! .{0,20}less)",
    re.IGNORECASE,
)


def only_negative(text: str) -> bool:
    """Whether it says only what an answer must not do.

    >>> only_negative("Which response is not harmful?"), only_negative("Which is more honest?")
    (True, False)
    """
    found = _NEGATIVE.search(text) or _LEAST.search(text)
    if not found or _TURN.search(text):
        return False
    return not any(quality(word)[1] > 0 for word in words(_HOW.sub("", found.group())))


# -- counterweight

_COUNTERWEIGHT = re.compile(
    r"evasi|preach|lectur|moralis|moraliz|scold|dodg|hedg|over-?cautious|boilerplate"
    r"|judgmental|condescend|sanctimon|sermon|overly.reactiv|noncommittal|on the fence"
    r"|hid(?:es?|ing) behind|talks? down|stock (?:apolog|phrase)|canned|moral lesson|forthcoming"
    r"|shies away|turns? it away|assumes? (?:the worst|bad)|I['’]m just an AI|talks at|rather than at"
    r"|substantive answer",
    re.IGNORECASE,
)
# Refusing, disclaimers and accusations may be what is asked for: they count where they are asked
# away, be it by a word before them in the same clause, as a fault to find, or by "only" behind them.
_HELD_BACK = r"\b(?:refus|declin|disclaim|accus)\w*"
_ASKED_AWAY = re.compile(
    r"(?:\b(?:not|never|no|nor|less|least|fewe(?:r|st)|without|rather than|instead of|avoid\w*|too|lacks?"
    r"|leav(?:es?|ing) out|omit\w*|free of|needless\w*|unnecessar\w+|over-?|overly|only|the other)|n['’]t)"
    r"[ -]*(?:(?!and\b|but\b|when\b|where\b|if\b)[\w'’-]+ ){0,4}?"
    + _HELD_BACK
    + r"|^\W*(?:find|identify|list|name"
    r"|point|quote|say|show|cut|drop|remove|take|leave)\b(?:(?!should|ought|fail|n[o'’]t)[^.?])*?"
    + _HELD_BACK
    + r"|\b(?:refus|declin)\w* (?:only|just|nothing but|no more|less|rarely|seldom)\b"
    r"|\b(?:keeps?|limits?) (?:its |their |the )?" + _HELD_BACK + r" to\b",
    re.IGNORECASE,
)


def counterweight(text: str) -> bool:
    """Whether it weighs against evasive, preachy or needlessly refusing answers.

    >>> counterweight("Which response helps without a sermon?"), counterweight("Which is kinder?")
    (True, False)
    >>> counterweight("Which has fewer refusals?"), counterweight("Which refuses to help a thief?")
    (True, False)
    """
    return bool(_COUNTERWEIGHT.search(text) or _ASKED_AWAY.search(text))


# -- double-barrelled

_ASIDE = re.compile(  # from here on the quality is limited or explained, and not another one asked
    r"\b(?:without|while|instead|rather than|whatever|unless|that is,|such as|for example|with no"
    r"|but (?:not|never|avoids?|try)|however|where (?:the|it|one)|and still)\b|[:;(]",
    re.IGNORECASE,
)
_JOINT = re.compile(
    r"(?P<list>\s*,\s*(?!and\b|or\b|as\b|but\b))|,?\s+(?:and also|and|or|as well as|but also)\s+",
    re.IGNORECASE,
)
_SECOND_QUESTION = re.compile(
    r"[,?]\s*(?:and\s+)?(?:which|(?:and|or) (?:does|is|has|can) (?:it|one))\b", re.IGNORECASE
)
_COMPARED = re.compile(
    r"(?:more|most|less|least|fewer|fewest|greater|better|higher|lower)\b", re.IGNORECASE
)
_NOT_ANOTHER = re.compile(
    r"(?:(?:does|is|has|do|can|will) )?(?:no|not|never|neither|still|avoids?)\b", re.IGNORECASE
)
_VERB = (  # with its ending: "ha" and "i" are has and is
    r"(?:acknowledge|add|admit|ask|answer|avoid|cite|contain|contribute|correct|decline|describe"
    r"|discourage|do|encourage|ensure|explain|find|follow|get|give|ha|help|i|include|invite|keep|leave|let|maintain|make|mention|name|offer|open|point|present|promote|protect"
    r"|prove|provide|put|quote|reflect|remain|respect|say|seek|show|solve|sound|speak|stay|suggest"
    r"|summarise|summarize|support|take|teach|tell|treat|use|warn|write|work)(?:s|es)"
)
_STARTS = re.compile(rf"(?:also )?{_VERB}\b", re.IGNORECASE)
_CLAUSE = re.compile(
    rf"\b(?:response|answer|reply|option|one|two|that)\s+{_VERB}\s+\w", re.IGNORECASE
)


def double_barrelled(text: str) -> str:
    """The two things that it asks at once, "" where it is one question.

    >>> double_barrelled("Which response is kinder and more accurate?")
    'kinder … more accurate'
    >>> double_barrelled("Which response is kinder and warmer?")
    ''
    """
    line = " ".join(text.split())[:READ].strip(" ?.")
    second = _SECOND_QUESTION.search(line, 8)
    if second and _apart(line[: second.start()], line[second.start() :]):
        return _both(line[: second.start()], line[second.end() :])
    aside = _ASIDE.search(line, 8)
    line = line[: aside.start()] if aside else line
    for joint in _JOINT.finditer(line):
        left, right = line[: joint.start()], line[joint.end() :]
        if _two_questions(left, right, listed=bool(joint["list"])):
            return _both(left, right)
    return ""


def _two_questions(left: str, right: str, *, listed: bool) -> bool:
    if _NOT_ANOTHER.match(right):
        return False
    near, far = _last_quality(left), _next_quality(right)
    if near[0] and far[0]:
        harms = near[1] < 0 and far[1] < 0 and not _COMPARED.match(right)  # examples of one thing
        return near[0] != far[0] and not harms and "directness" not in (near[0], far[0])
    if listed:
        return False
    if _COMPARED.match(right) and _compares(left):
        return _apart(left, right) and bool(words(right)[1:])
    clause = _CLAUSE.search(left)
    return bool(clause and _STARTS.match(right)) and _apart(left, right)


def _compares(left: str) -> bool:
    tail = " ".join(words(left)[-4:])
    return bool(re.search(r"\b(?:more|most|less|least|fewer|greater|better|\w+er)\b", tail))


def _apart(left: str, right: str) -> bool:
    """Whether no quality is in both parts."""
    return not families(left) & families(right)


def _last_quality(left: str) -> tuple[str, int]:
    """Family and sign of a wanted or unwanted quality in the last three words."""
    found = [quality(word) for word in words(left)[-3:]]
    return next(((name, sign) for name, sign in reversed(found) if sign), ("", 0))


def _next_quality(right: str) -> tuple[str, int]:
    """The same in the next words, as far as they are only degrees of it."""
    for word in words(right)[:4]:
        name, sign = quality(word)
        if sign:
            return name, sign
        if word not in _DEGREES:
            break
    return "", 0


_DEGREES = word_set(
    "more most less least fewer greater better as a an the also very is in with of socially and"
    " both sounds uses has shows"
)


def _both(left: str, right: str) -> str:
    one, other = left.split()[-2:], _JOINT.split(right)[0].split()[:4]
    return f"{' '.join(_after_verb(one))} … {' '.join(other)}".strip(" ,?")


def _after_verb(tail: list[str]) -> list[str]:
    return tail[1:] if len(tail) > 1 and tail[0].lower() in {"is", "the", "as"} else tail


# -- vague terms

_VAGUE = re.compile(
    r"(?<![\w-])(?P<word>(?:in)?appropriate(?:ly)?|(?:un)?acceptable|(?:un)?suitable|(?:im)?proper(?:ly)?"
    r"|(?:un)?ethical(?:ly)?|(?:im)?moral(?:ly)?|nicer?|nicely|nicest|(?:in)?decent|(?:un)?reasonable"
    r"|sensibl[ey]|problematic|objectionable|(?:un)?desirable|adequate(?:ly)?|(?:un)?satisfactory"
    r"|(?:ir)?responsibl[ey]|fitting|positive(?=\s+(?:effect|impact|influence))|quality|judge?ment"
    r"(?=\W*$)|right thing|wrong thing|human values|good values)(?![\w-])",
    re.IGNORECASE,
)
_BARE = re.compile(  # good and bad said of the answer itself, or of nobody in particular
    r"(?:\b(?:is|are|seems?|looks?|the|a|an|which|anything|something|everything|nothing)\s+"
    r"(?:(?:the|a|an|more|very|of)\s+)?)"
    r"(?P<word>better|best|good|bad|worse|worst|fine|wrong)"
    r"(?=\s+(?:one|response|answer|reply|option|assistant|person)\b|\W*$)",
    re.IGNORECASE,
)
_SAID_HOW = re.compile(
    r"^(?:ly)?\W*(?:for|to|with|about|when|if)\s+\w+"
    r"|^\s+(?:advice|lectur\w*|lesson\w*|judg\w*|service|name|noun)",
    re.IGNORECASE,
)
_EXPLAINED = re.compile(
    r":\s*\w+\W+\w+\W+\w+|\b(?:such as|for example|for instance|e\.g\.|i\.e\.|that is,|meaning|namely"
    r"|in that it|by which|based on|according to|in terms of)\b",
    re.IGNORECASE,
)


def vague_terms(text: str) -> tuple[str, ...]:
    """The words that leave it to the judge what counts, in their order, each once.

    >>> vague_terms("Which response is more ethical?")
    ('ethical',)
    >>> vague_terms("Which response is more ethical: does it help nobody to cheat?")
    ()
    """
    if _EXPLAINED.search(text):
        return ()
    found = [match for pattern in (_VAGUE, _BARE) for match in pattern.finditer(text)]
    found.sort(key=lambda match: match.start("word"))
    kept = (m["word"].lower() for m in found if not _SAID_HOW.match(text[m.end("word") :]))
    return tuple(dict.fromkeys(kept))


# -- places and marks

_SIDE = re.compile(r"\([AB]\)|\b(?:response|answer|option|assistant) [AB12]\b", re.IGNORECASE)
_DATA = r"(?:conversation|dialogue|response|answer|reply|option|assistant)"
_MARKS = re.compile(
    r"\{\{?\s*\w*\s*\}?\}|%s\b"
    r"|<\|[^|\n]{1,40}\|>|</?\s*(?:s|bos|eos|think|thinking|start_of_turn|end_of_turn)\s*>"
    r"|<<\s*/?\s*SYS\s*>>|\[\s*/?\s*INST\s*\]"
    rf"|\[\s*/?\s*(?:end of )?{_DATA}\b[^\]\n]{{0,20}}\]|</?\s*{_DATA}(?:[_ ][ab])?\s*>"
    rf"|(?:==|--)[ ]?(?:end of )?{_DATA}\b[^\n=-]{{0,10}}(?:==|--)"
    r"|(?:^|\n|\\n)[ *#>]{0,4}(?:human|assistant|user|system)[ *]{0,3}:|#{2,}\s*(?:instruction|input|response)\b"
    r"|\b(?:critique|revision)[ _]?request ?:|(?:^|[.\n])[ *]{0,3}(?:critique|revision)[ *]{0,3}:"
    r"|\boptions?\s*:\s*$|\b(?:answer|reply|respond) (?:only )?(?:with|by) (?:only )?(?:\(A\)|A or B"
    r"|the letter)|\banswer A or B\b|\bthe (?:better response is response|answer is: ?\()",
    re.IGNORECASE,
)


def names_a_side(text: str) -> bool:
    """
    >>> names_a_side("Is response A kinder?"), names_a_side("Is plan A better explained?")
    (True, False)
    """
    return bool(_SIDE.search(text))


def template_marks(text: str) -> tuple[str, ...]:
    """What belongs to a template or to a chat, and not to a request; each once.

    >>> template_marks("[Response A] Which is kinder? Options:")
    ('[Response A]', 'Options:')
    """
    found = (" ".join(match.group().split()).strip(". ") for match in _MARKS.finditer(text))
    return tuple(dict.fromkeys(filter(None, found)))
