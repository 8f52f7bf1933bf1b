"""How a judge is asked, in fine: its template, examples, abstaining, and a panel of further judges.

The settings page, the generate page, the playground and the chain draw the same widgets; each has
them under its own key, and `chosen` reads them from there in a callback.
"""

from typing import Any, Literal

import streamlit as st

from cai_core.feedback.comparison import check_template, label_template, template_names
from cai_core.models import catalogue
from cai_core.review.measured import measured_way
from cai_core.schema import PrincipleMode, judges_of
from cai_core.settings import BUILTIN, JudgeSetting, Settings, usual_principles
from ui import cards
from ui.plain import label, shorten

FIELDS = ("template", "examples", "abstain", "panel", "combine")
COMBINE = {
    "majority": "what most judges say",
    "mean": "the mean of their probabilities",
}
Keep = Literal["session"] | None  # whether a choice outlives a visit to another page


def choose_fine(setting: JudgeSetting, *, key: str, keep: Keep = "session") -> dict[str, Any]:
    """Draw all of them, as the setting has them; what is chosen, by field of the setting."""
    return choose_panel(setting, key=key, keep=keep) | choose_wording(setting, key=key, keep=keep)


def choose_panel(setting: JudgeSetting, *, key: str, keep: Keep = "session") -> dict[str, Any]:
    """Draw the further judges, and how several labels become one."""
    ids = [model.id for model in catalogue.known(Settings.load())]
    panel = st.multiselect(
        "Further judges",
        list(dict.fromkeys([*ids, *setting.panel])),
        default=list(setting.panel),
        format_func=lambda model_id: shorten(model_id, 50),
        key=f"{key}_panel",
        placeholder="None: one judge",
        persist_state=keep,
        help="With the judge they are a panel, asked the same questions: a majority of three is the"
        " remedy for noisy preferences. Each one costs as much as the first.",
    )
    combine = st.selectbox(
        "A panel's label is",
        list(COMBINE),
        index=list(COMBINE).index(setting.combine),
        format_func=COMBINE.__getitem__,
        key=f"{key}_combine",
        persist_state=keep,
        help="Of a majority the probability is the share of judges, of a mean it is the mean in"
        " log-odds. One judge alone needs neither.",
    )
    return {"panel": tuple(panel), "combine": combine}


def choose_wording(setting: JudgeSetting, *, key: str, keep: Keep = "session") -> dict[str, Any]:
    """Draw the template, the number of worked comparisons, and whether a principle may abstain."""
    now = setting.template or check_template("")
    names = list(dict.fromkeys([*template_names(), now]))
    left, right = st.columns(2)
    with left:
        template = st.selectbox(
            "Template",
            names,
            index=names.index(now),
            key=f"{key}_template",
            persist_state=keep,
            help="How the question is worded. Labels under two templates are not comparable.",
        )
    with right:
        examples = st.number_input(
            "Examples",
            min_value=0,
            max_value=16,
            value=setting.examples,
            key=f"{key}_examples",
            persist_state=keep,
            help="Worked comparisons, shown before the question. They help a small model to keep to the form, and take"
            " room in its window.",
        )
    abstain = st.toggle(
        "A principle may abstain",
        value=setting.abstain,
        key=f"{key}_abstain",
        persist_state=keep,
        help="It may say that it does not apply to a pair, and has no vote there.",
    )
    return {"template": template, "examples": int(examples), "abstain": abstain}


def chosen(key: str) -> dict[str, Any]:
    """What stands in the widgets under this key; for the callback of a form."""
    found = {name: st.session_state[f"{key}_{name}"] for name in FIELDS}
    return found | {"panel": tuple(found["panel"])}


def job_options(setting: JudgeSetting) -> dict[str, Any]:
    """A judge setting as options of a command: whatever a person can choose is said."""
    return {
        "judge": setting.model,
        "panel": list(setting.panel),
        "combine": setting.combine if setting.panel else None,
        "method": setting.method,
        "principles": setting.principles,
        "template": setting.template,
        "examples": setting.examples,
        "abstain": setting.abstain,
        "no_abstain": not setting.abstain,
    }


def first_principles(setting: JudgeSetting, judge: str) -> PrincipleMode:
    """How principles are offered first: as the workspace has it for its judge, else as is usual."""
    return setting.principles if judge == setting.model else usual_principles(judge)


def judge_words(annotator: str, *, limit: int = 60) -> str:
    """Who judged, on one line for a caption; of a panel how many, and who.

    >>> judge_words("panel:majority:hf:a + hf:b")
    'a panel of 2 by majority: hf\\\\:a, hf\\\\:b'
    """
    judges = judges_of(annotator)
    if judges == (annotator,):
        return label(annotator, limit=limit)
    named = ", ".join(label(judge, limit=limit) for judge in judges)
    how = annotator.split(":")[1]
    return f"a panel of {len(judges)} by {how}: {named}"


def say_builtin(setting: JudgeSetting) -> None:
    """Where the built-in model judges: how right it was, measured against people, asked this way."""
    if BUILTIN in setting.judges:
        st.caption(builtin_words(setting))


def builtin_words(setting: JudgeSetting) -> str:
    """How right the built-in model was, measured against people, asked as this setting asks."""
    found = measured_way(setting, label_template(setting))
    if found is None:
        return (
            "The built-in model was not measured against people asked this way. It is small: hold"
            " its labels against your own on the review page."
        )
    share = cards.number_text(found.agreement.value, percent=True)
    interval = cards.interval_text(found.agreement, percent=True)
    shown = (
        "better than chance" if found.better_than_chance else "not shown to be better than chance"
    )
    return (
        f"Asked this way ({', '.join(filter(None, (found.template, found.rules)))}) the built-in model agreed with people on {share} of"
        f" human-labelled pairs, {interval}: {shown}. Use an endpoint or a larger model for labels"
        " that matter."
    )
