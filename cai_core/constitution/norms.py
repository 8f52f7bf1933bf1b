"""Whether a sentence states how an assistant should answer, and how that reads as a comparison.

Rules of grammar, no model. A comparison is made only where the sentence has a form that keeps its
meaning in it; what is left is for a person to word.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from cai_core.constitution.comparative import asked, infinitive, question, third_person

Strength = Literal["must", "should", "want", "imperative"]

_NOUN = r"(?:ai |language |chat |virtual )?(?:assistants?|models?|ais?|systems?|chat ?bots?|agents?|bots?)"
_ITS = rf"(?:claude|chatgpt|gpt|(?:an?|the|our|every|each|any) {_NOUN})['’]s"
_ANSWER = rf"(?:(?:its|their|your|every|each|any|the|all|an?|{_ITS}) )?(?:responses?|answers?|repl(?:y|ies))"
AGENT = (
    r"(?:claude|gpt|chatgpt|i"
    rf"|(?:an?|the|our|every|each|any|all|these|this|such) {_NOUN}|{_NOUN}|{_ANSWER})"
)
_PRONOUN = r"(?:it|they|you|he|she|we)"
_MODAL = (
    r"(?P<modal>should|must|shall|ought to|needs? to|ha(?:s|ve) to|(?:is|are) (?:expected|required|supposed) to"
    r"|will always|will never|may not|can never)"
)
_ADVERBS = (
    r"(?P<adverbs>(?: (?:always|also|still|instead|then|just|only|at all times|by default|in general"
    r"|of course|at least|first|even|rather|[a-z]+ly)){0,3})"
)
_NEVER = r"(?:under no circumstances?|at no (?:time|point)|in no (?:case|way)|on no account|never)"
_NO = rf"(?: not| {_NEVER}|n['’]t)"
_VERB = rf"(?P<no>{_NO})?{_ADVERBS}(?P<no2>{_NO})?(?P<after>(?: [a-z]+ly)?) (?P<verb>.+)$"
# What may stand before the subject: a condition, which belongs to the question, or words that do not.
_CONDITION = (
    r"(?:if|when|whenever|where|unless|while|before|after|in|on|for|with|even if|once|given|as|under"
    r"|regardless of|no matter|as long as|because|since|although|though|without|within|during|until|at"
    r"|rather than|instead of|provided that|among|between|outside|throughout|depending on)"
)
_LEAD = rf"(?P<lead>(?:{_CONDITION} [^;:.]{{2,140}}?, )?)"
_END = re.compile(r"[.!…,; ]{1,9}(?:(?:and|or)[ ,;]{0,3})?$")
_CONDITIONAL = re.compile(rf"{_CONDITION}\b", re.IGNORECASE)
_DROPPED = re.compile(
    r"^(?:by default|in general|as a (?:general )?rule|at (?:a )?minimum|in all cases|in every case"
    r"|to [^,;:.]{3,80}|according to [^,;:.]{3,60}), ",
    re.IGNORECASE,
)
_I = re.IGNORECASE
_SHOULD = re.compile(
    rf"{_LEAD}(?P<subject>{AGENT}|{_PRONOUN}|(?:[\w’'-]+ ){{0,7}}[\w’'-]+) {_MODAL}{_VERB}", _I
)
_WANTED = re.compile(
    r"(?P<lead>)(?:we|i|anthropic|openai) (?P<dont>(?:do not|don['’]t|never) )?(?:also |really |generally |would )?"
    r"(?:want|like|hope|expect|ask|prefer|intend)(?: for)?"
    rf" (?P<subject>{AGENT})(?P<not>{_NO})? to{_VERB}",
    _I,
)
_IMPORTANT = re.compile(
    rf"{_LEAD}it(?:['’]s| is) (?:very |especially |always |also |often )?(?:important|essential|crucial|vital|best|better|good)"
    rf" for (?P<subject>{AGENT})(?P<not>{_NO})? to{_VERB}",
    _I,
)
_INVERTED = re.compile(
    rf"{_LEAD}{_NEVER} (?:should|must|shall|may|can) (?P<subject>{AGENT}|{_PRONOUN}) (?P<verb>.+)$",
    _I,
)
_WRONG = re.compile(
    rf"{_LEAD}it(?:['’]s| is) (?:never |always )?(?:unacceptable|inappropriate|wrong|forbidden"
    r"|not (?:acceptable|appropriate|allowed|permitted|right|okay|ok))"
    rf" for (?P<subject>{AGENT}) to (?P<verb>.+)$",
    _I,
)
_DENIED = re.compile(
    rf"{_LEAD}(?P<subject>{AGENT}|{_PRONOUN}) (?:(?P<deed>can ?not|can['’]t)"
    r"|(?:is|are)(?: not|n['’]t| never) (?:allowed|permitted) to|(?:is|are) (?:forbidden|prohibited) (?:to|(?P<from>from)))"
    r" (?P<verb>.+)$",
    _I,
)
# What follows "cannot" where a machine is described and nothing is asked of it.
_DESCRIBES_WORDS = (
    "see hear remember know access browse learn understand feel predict have need mean exist work"
    " think experience become be run support always yet even really actually just only simply necessarily"
)
_DESCRIBES = frozenset(_DESCRIBES_WORDS.split())
_ALWAYS = re.compile(
    rf"{_LEAD}(?P<subject>{AGENT}) (?P<always>always|never) (?P<verb>[a-z]+s .+)$", _I
)
_HABIT = re.compile(
    rf"{_LEAD}(?P<subject>{AGENT}) (?P<verb>(?:avoid|refuse|decline|respect|prefer|prioriti[sz]e|strive|aim|tr(?:y|ie)|seek)(?:e?s)? .+)$",
    _I,
)
_IMPERATIVE = re.compile(
    rf"{_LEAD}(?:please )?(?P<first>do not|don['’]t|never|always|avoid|try|be|make|ensure|prefer|refuse"
    r"|decline|respect|protect|explain|answer|help|give|tell|ask|use|treat|keep|say|offer|respond"
    r"|acknowledge|admit|cite|correct|disclose|provide|follow|support|encourage|balance|weigh|write"
    r"|state|warn|choose|focus|stay|remain|speak|take|let|maintain|minimi[sz]e|maximi[sz]e"
    r"|prioriti[sz]e|include|seek|resist|point|stop|act|adapt|match|check|leave|listen|own|share"
    r"|refrain|strive|aim|distinguish|show|assume|consider|default|put|draw|call|hold|think|look)"
    r"\b (?P<rest>.+)$",
    _I,
)
_COMMANDS = ("do not", "don't", "don’t", "never", "always", "avoid", "refrain")
_COMPARISON = re.compile(
    r"(?:please )?(?:which|choose|pick|prefer|compare)\b.{0,40}\b(?:response|answer|reply|option)s?\b",
    _I,
)
_CONNECTIVE = re.compile(
    r"^(?:however|therefore|thus|hence|moreover|furthermore|also|similarly|likewise|additionally"
    r"|in addition|finally|first(?:ly)?|second(?:ly)?|third(?:ly)?|in particular|instead|so|and|but|yet"
    r"|that said|at the same time|above all|generally|overall|in short|more generally|importantly"
    r"|of course|for (?:this|these) reasons?|as a result|accordingly|consequently|on the other hand"
    r"|(?:by|in) contrast|conversely|nonetheless|nevertheless|still|again|ideally|put differently"
    r"|in other words|for example|for instance|to be clear|beyond (?:this|that)|relatedly|crucially|more broadly|where|because of this"
    r"),? (?:(?:and|but) )?",
    _I,
)
# The document speaking of itself, of evidence or of what may be so: "should" without a norm.
_NO_NORM = re.compile(
    r"\b(?:this|the) (?:document|section|chapter|policy|spec|guide|page|constitution|list|table|example)s?"
    r" (?:should|must|will|may)"
    r"|\bshould(?: not)? be (?:noted|clear|obvious|read|understood|interpreted|apparent|surprising)"
    r"|\breaders?\b|^(?:see|note that|recall that|suppose|imagine)\b"
    r"|\bit (?:should|must) be (?:said|noted|remembered|emphasi[sz]ed)|\b(?:should|must) have \w+e[dn]\b"
    r"|^(?:whether|how|what|why|who)\b",
    _I,
)
_SUBJECT_AGAIN = r"(?:it|they|claude|the assistant|the model|the ai|you)"
_SPLIT = re.compile(
    rf"(?:,| –| —)? (?:and|but) (?:(?P<one>{_SUBJECT_AGAIN}) )?(?=(?:also |therefore )?(?:should|must|may not)\b)"
    rf"|; (?:and |but |however, )?(?P<other>{_SUBJECT_AGAIN}) (?=(?:should|must|may not)\b)",
    _I,
)
_POINTS_BACK = re.compile(
    r"^(?:this|that|these|those|such|in (?:this|that|these|those|such)|if so|if not|otherwise)\b"
    r"|\bthe (?:former|latter|above|following)\b|\b(?:as|discussed|described|listed) (?:above|below|follows)\b"
    r"|\b(?:this|these|those|such)\b(?! as\b)"
    r"|\b(?:do|does|doing|about|of|with|for|to) (?:this|that|these|those)(?: too)?[.,;]?$",
    _I,
)
_LONGEST = 120  # words; what is longer is no sentence but a list or a text without full stops
_NOT_ONLY_WORDS = "just only merely simply always necessarily automatically solely blindly"
_NOT_ONLY = frozenset(_NOT_ONLY_WORDS.split())
_EMPTY_WORDS = "generally usually typically simply ideally normally basically"
_EMPTY = frozenset(_EMPTY_WORDS.split())


@dataclass(frozen=True)
class Norm:
    """One thing that is asked. `text` is a comparison, "" where none can be made honestly by rule."""

    strength: Strength
    text: str
    of_answers: bool  # whether its subject is an assistant or its answer
    verb: str  # what is asked for; begins with "not" where it is forbidden
    points_back: bool = False  # whether it needs the sentence before it to be understood


def find(sentence: str, *, listed: bool = False, agent_before: bool = False) -> list[Norm]:
    """The norms in one sentence: none, one, or two where it joins two.

    Args:
        listed: it is an item of a list, where an imperative is a rule and not a remark to the reader.
        agent_before: an assistant was spoken of just before, so that "it" means one.

    >>> find("The assistant should explain its reasoning.")[0].text
    'Which response does more to explain its reasoning?'
    >>> find("Claude should never be preachy.")[0].text
    'Which response is less preachy?'
    >>> find("It is raining."), find("This section should be read first.")
    ([], [])
    """
    bare = _CONNECTIVE.sub("", " ".join(sentence.split()).strip("\"'“”‘’ "), count=1)
    if _COMPARISON.match(bare):
        return [Norm("must", asked(bare), True, bare)]
    if bare.endswith("?") or not 3 <= len(bare.split()) <= _LONGEST or _NO_NORM.search(bare):
        return []
    whole = _END.sub("", _DROPPED.sub("", bare, count=1))
    norms: list[Norm | None] = []
    subject = ""
    for own, clause in _clauses(whole):
        said = f"{own or subject} {clause}".strip()
        found = any(norms)
        norms.append(_norm(said, listed=listed, agent_before=agent_before or found))
        subject = _subject(said) or subject
    stated = [norm for norm in norms if norm]
    remark_first = len(stated) == len(norms) - 1 and norms[0] is None
    if all(norms) or (remark_first and not _CONDITIONAL.match(whole)):
        return stated
    return [_unworded(norm, whole) for norm in stated[:1]]


def _clauses(whole: str) -> Iterator[tuple[str, str]]:
    """(a subject of its own or "", the rest) of what is joined by "and should" and the like."""
    begin, own = 0, ""
    for cut in _SPLIT.finditer(whole):
        yield own, whole[begin : cut.start()].strip()
        begin, own = cut.end(), (cut["one"] or cut["other"] or "")
    yield own, whole[begin:].strip()


def _unworded(norm: Norm, whole: str) -> Norm:
    """Where half of a sentence was not understood, none of it is worded."""
    return Norm(norm.strength, "", norm.of_answers, whole, norm.points_back)


def _subject(clause: str) -> str:
    found = _SHOULD.match(clause) or _ALWAYS.match(clause)
    return found["subject"] if found else ""


def _norm(clause: str, *, listed: bool, agent_before: bool) -> Norm | None:
    for pattern in (_WANTED, _IMPORTANT):
        found = pattern.match(clause)
        if found:
            denied = [found["not"], found.groupdict().get("dont")]
            return _built("want", found, denied=sum(map(bool, denied)))
    for pattern in (_WRONG, _INVERTED, _DENIED):
        found = pattern.match(clause)
        if found and _is_agent(found["subject"], agent_before):
            return _of_denied(found)
    found = _SHOULD.match(clause)
    if found:
        return _of_modal(found, agent_before)
    found = _ALWAYS.match(clause)
    if found:
        no = found["always"].lower() == "never"
        return _made("must", found["lead"], infinitive(found["verb"]), no=no)
    found = _HABIT.match(clause)
    if found:
        return _made("want", found["lead"], infinitive(found["verb"]), no=False)
    found = _IMPERATIVE.match(clause)
    if found and (listed or found["first"].lower() in _COMMANDS):
        return _of_imperative(found)
    return None


def _is_agent(subject: str, agent_before: bool) -> bool:
    """Whether an assistant or its answer is meant; "it" and "they" are where one was spoken of."""
    if re.fullmatch(AGENT, subject, _I) or subject.lower() == "you":
        return True
    return agent_before and subject.lower() in ("it", "they")


def _of_denied(found: re.Match[str]) -> Norm | None:
    """From a sentence that forbids without a modal, or with its words turned round."""
    named, verb = found.groupdict(), found["verb"]
    first = verb.split()[0].lower()
    if named.get("deed") and first in _DESCRIBES:
        return None
    if first in ("not", "never") or first in _NOT_ONLY:
        return Norm("must", "", True, verb)
    to_you = found["subject"].lower() == "you"
    if named.get("from"):
        return _made("must", found["lead"], f"avoid {verb}", no=False, to_you=to_you)
    return _made("must", found["lead"], verb, no=True, to_you=to_you)


def _of_modal(found: re.Match[str], agent_before: bool) -> Norm | None:
    subject, modal = found["subject"].lower(), found["modal"].lower()
    is_pronoun = bool(re.fullmatch(_PRONOUN, subject))
    about = _is_agent(subject, agent_before)
    if subject.split()[0] in ("there", "what", "who", "that", "which") or (
        is_pronoun and not about
    ):
        return None
    firm = modal in ("must", "shall") or modal.split()[-1] in ("not", "never", "always")
    norm = _built("must" if firm else "should", found, denied=modal.split()[-1] in ("not", "never"))
    return norm if about else Norm(norm.strength, "", False, norm.verb, norm.points_back)


def _built(strength: Strength, found: re.Match[str], *, denied: int) -> Norm:
    """From a modal: its negations, its adverbs and what follows."""
    times = denied + bool(found["no"]) + bool(found["no2"])
    adverbs = found["adverbs"].split()
    no = times % 2 == 1
    kept = " ".join(w for w in [*adverbs, *found["after"].split()] if w.endswith("ly"))
    kept = " ".join(word for word in kept.split() if word.lower() not in _EMPTY)
    verb = f"{kept} {found['verb']}".strip()
    unsafe = (no and bool(_NOT_ONLY & set(adverbs))) or times > 1 or "only" in adverbs
    firm: Strength = "must" if strength == "should" and no else strength
    to_you = (found["subject"] or "").lower() == "you"
    norm = _made(firm, found["lead"] or "", verb, no=no, to_you=to_you)
    return Norm(firm, "", True, norm.verb, norm.points_back) if unsafe else norm


def _of_imperative(found: re.Match[str]) -> Norm:
    first, rest = found["first"].lower(), found["rest"].strip()
    no = first in ("do not", "don't", "don’t", "never")
    verb = rest if no or first == "always" else f"{first} {rest}"
    if (no and rest.split()[0].lower() in _NOT_ONLY) or (first == "make" and " sure " in rest):
        return Norm("imperative", "", True, verb)
    return _made("imperative", found["lead"] or "", verb, no=no, to_you=True)


def _made(strength: Strength, lead: str, verb: str, *, no: bool, to_you: bool = False) -> Norm:
    back = bool(_POINTS_BACK.search(lead) or _POINTS_BACK.search(verb))
    asked_lead, asked_verb = (third_person(lead), third_person(verb)) if to_you else (lead, verb)
    text = "" if back else question(asked_lead, asked_verb, no=no)
    return Norm(strength, text, True, f"not {verb}" if no else verb, back)
