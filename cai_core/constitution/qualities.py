"""What wordings speak of: families of words that mean one quality of an answer, and which are good.

English alone. A word that is in no family is about something that we do not know; no rule concludes
from that.
"""

import re
from functools import lru_cache


def word_set(line: str) -> frozenset[str]:
    return frozenset(line.split())


_WORDS = re.compile(r"[a-z']+(?:-[a-z]+)*")

# Words by what they are about: five letters and more may go on, shorter ones take an ending.
_FAMILIES: dict[str, tuple[str, str, str]] = {  # name: (wanted, unwanted, neither)
    "honesty": (
        "truth true honest sincer accura correct factual candid transparent faithful objectiv"
        " well-sourced better-sourced informed",
        "untru dishonest false falsehood inaccura incorrect invent made-up mislead deceiv decept lie"
        " lies lying fabricat mistake error unfounded conspirac misinform wrong boast",
        "fact facts figure claim certain uncertain doubt source sources cite citation evidence guess"
        " overconfident surer check known number numbers arithmetic calculat humility humbl modest"
        " premise speculat",
    ),
    "kindness": (
        "kind warm warmth friendl polite courte respect gentl compassion caring consider amiabl"
        " cordial empath pleasant patient calm civil thoughtful",
        "unkind rude rudeness hostil cold colder harsh impolite disrespect insult curse swear profan"
        " mean unfriendl cruel cruelty crueler crueller scold gloomy",
        "tone feeling feelings feel grie sad emotion despair hears comfort",
    ),
    "safety": (
        "safe safer safest safety safely harmless peaceful lawful legal ethical moral",
        "harm harms harmful harmed hurt hurts dangerous danger unsafe toxic toxicity illegal unlawful"
        " violen abus threat weapon explosiv poison crime criminal fraud scam theft steal stole"
        " malware hack hacker hacking hateful hate unethical immoral exploit injur kill suicid"
        " self-harm damag frighten humiliat cheat stalk bull intimidat offens offend stealing attack attacks forge"
        " forged drug terror vulgar obscen sexualis sexualiz sexual irresponsib",
        "risk risks risky child children teenager minor minors unfit doctor medical medicine health"
        " law lawyer person's-safety warn act acted",
    ),
    "fairness": (
        "fair fairly fairness unbias unprejudic impartial neutral even-handed inclusiv equal",
        "bias racis sexis stereotyp prejudic discriminat unfair demean homophob slur partisan",
        "religion origin sides side group groups political politic",
    ),
    "help": (
        "helpful useful usab helps informativ complete thorough practical actionab concrete relevant"
        " responsiv resourceful",
        "unhelpful useless incomplete irrelevant unusab",
        "need needs needed missing steps generalit general task help what-was-asked undone practice",
    ),
    "directness": (
        "direct directly straight forthcom",
        "evasiv evad dodg hedg preach lectur moralis moraliz sermon refus overcautious over-cautious"
        " boilerplate judgmental judgemental condescend sanctimon stock accusat overly-reactiv"
        " reactiv disclaimer apolog",
        "declin avoided hesitat head",
    ),
    "brevity": (
        "short shorter shortest brief concis succinct terse fewer-words",
        "long-winded verbos wordy repetiti redundan padding filler repeat",
        "length words cut deleted deletable twice point shorten once",
    ),
    "clarity": (
        "clear clearer clearest plain readab understandab understand coherent logical organised"
        " organized",
        "unclear confus muddl vague vaguer jargon",
        "follow layout easier easy simple headings order structure grammar grammatical spelling"
        " fluent",
    ),
    "privacy": (
        "private privacy confidential discreet",
        "intrus invasiv unmask",
        "personal detail details address addresses secret secrets track tracked expose exposed"
        " locat watched identif phone",
    ),
    "liveliness": (
        "creativ funny funnier fun entertain interest engag original imaginativ amus lively livelier"
        " cheerful humor humour",
        "boring dull",
        "poem poetry story metre joke brighten",
    ),
    "openness": (
        "open",
        "manipulat flatter gaslight pressur",
        "guilt fear coerc persuad",
    ),
    "code": ("", "buggy", "code bug bugs compil runs program"),
}
_IGNORED = word_set(  # neither of an answer's qualities, though a beginning fits
    "considered consideration meaning means meant meanwhile kinds falls calls minority openai opening"
    " opens opened opener completely generally particular acting action actually longer orders"
    " ordered personally notes"
)

_SHORT_ENDINGS = r"(?:s|ly|er|est|ness|ing|ed|r|st)?"


@lru_cache(maxsize=1)
def _compiled() -> tuple[tuple[str, int, re.Pattern[str]], ...]:
    found = []
    for name, columns in _FAMILIES.items():
        for sign, words in zip((1, -1, 0), columns, strict=True):
            if words:
                stems = "|".join(
                    re.escape(stem) + (_SHORT_ENDINGS if len(stem) < 5 else "[a-z'-]*")
                    for stem in sorted(words.split(), key=len, reverse=True)
                )
                found.append((name, sign, re.compile(stems)))
    return tuple(found)


@lru_cache(maxsize=8192)
def quality(word: str) -> tuple[str, int]:
    """Family of a word, and whether it is wanted (1), unwanted (-1) or neither (0); ("", 0) of none.

    >>> quality("truthful"), quality("lies"), quality("table")
    (('honesty', 1), ('honesty', -1), ('', 0))
    """
    bare = word.lower().removesuffix("'s")
    if bare not in _IGNORED:
        for name, sign, pattern in _compiled():
            if pattern.fullmatch(bare):
                return name, sign
    return "", 0


def words(text: str) -> list[str]:
    """Words in small letters; hyphens and apostrophes stay within."""
    return _WORDS.findall(text.lower().replace("’", "'"))


def families(text: str) -> frozenset[str]:
    """Which families a wording speaks of."""
    return frozenset(name for name, _ in map(quality, words(text)) if name)


def content(text: str) -> frozenset[str]:
    """Beginnings of the words that carry what is said, five letters of each."""
    return frozenset(word[:5] for word in words(text) if len(word) > 3 and word not in _FRAME)


_FRAME = word_set(  # words of every request
    "which response responses answer answers last that this with what more most less least than"
    " choose select pick prefer point rewrite make take identify find quote name list check read"
    " where anything every each from into would could should does have there they them their it's"
    " person people someone somebody user reader human assistant without other others instead keep"
    " about because been being also only such when while whether explain show says said give gives"
    " given some thing things word words sentence sentences better best worse well still remove"
    " removed rather correct parts part asked request question your yours itself themselves please"
    " specific ways either both very"
)
