"""The forms of the three kinds of datasets: what goes in. Each gives the rows that came of it."""

import streamlit as st
from sqlite_utils import Database

from cai_core.curate.filters import Filters
from cai_core.curate.pool import Rounds
from cai_core.curate.snapshot import Origin
from cai_core.review.reliability import Reliability
from cai_core.schema import ConstitutionRef
from cai_core.store import corrections, labels, overview, pairs, prompts, revisions
from cai_core.store.pairs import PairFilter
from cai_core.store.revisions import RevisionFilter
from ui import cards, curate_recipe, quality_stamps, review_choice
from ui.curate_recipe import Helpful, Made, PreferenceRecipe, SftRecipe, Which
from ui.review_choice import Judge

SHIPPED = "Shipped helpful pairs"

_WHICH: dict[Which, str] = {
    "not dropped": "All but those a person dropped",
    "confirmed": "Only those a person kept or corrected",
}
_ROUNDS: dict[Rounds, str] = {"all": "Every round's revision", "last": "The last revision only"}


def sft(db: Database) -> Made | None:
    """Revised answers, mixed with helpful ones."""
    if not revisions.count(db) and not corrections.count(db):
        cards.empty(
            "There are no revisions yet",
            "Supervised training learns from revised answers.",
            page="generate",
            label="Criticise and revise",
        )
        return None
    which = st.selectbox("Revisions", list(_WHICH), format_func=_WHICH.__getitem__, key="sft_which")
    rounds = st.selectbox(
        "Rounds",
        list(_ROUNDS),
        format_func=_ROUNDS.__getitem__,
        key="sft_rounds",
        help="The method's paper trains on the revisions of all rounds.",
    )
    where = RevisionFilter(constitution=_constitution(db))
    marked = st.toggle(
        "Keep unchanged, empty and looping revisions",
        key="sft_keep_marked",
        help="They are left out by default: there is nothing to learn from them.",
    )
    recipe = SftRecipe(where, which, rounds, _answer_filters("sft", {"keep_marked": marked}))
    harmless = recipe.pool(db)
    helpful = curate_recipe.helpful_answers(db, recipe.filters)
    share = _share(
        curate_recipe.most_helpful(harmless, helpful.pool), curate_recipe.SFT_SHARE, helpful, "sft"
    )
    return curate_recipe.made(harmless, helpful, share, recipe.origin)


def _constitution(db: Database) -> str:
    """The hash of the constitution that rows were made under; "" for all."""
    refs = {
        cycle.version.constitution.hash: cycle.version
        for cycle in overview.cycles(db)
        if cycle.revisions
    }
    return st.selectbox(
        "Constitution",
        ["", *refs],
        format_func=lambda key: _version(refs[key].ref) if key else "All versions",
        key="sft_constitution",
    )


def _version(ref: ConstitutionRef) -> str:
    return f"{ref.name} v{ref.version}"


def preference(db: Database) -> Made | None:
    """Chosen and rejected answers, mixed with helpful ones."""
    uses = list(review_choice.judges(db))
    if not uses and not labels.people(db):
        cards.empty(
            "No pair has a label yet",
            "Let a judge read pairs, or give your own verdicts; a reward model learns from them.",
            page="generate" if not pairs.count(db) else "review",
            label="Make pairs" if not pairs.count(db) else "Review pairs",
        )
        return None
    judge = st.selectbox(
        "Judge, where nobody has spoken",
        [*uses, None],
        format_func=lambda one: review_choice.judge_name(one) if one else "None: people only",
        key="preference_judge",
        help="What people agree on always stands over the judge, and so does a bulk label.",
    )
    source = st.selectbox(
        "Source",
        ["", *filter(None, pairs.sources(db))],
        format_func=lambda value: value or "All sources",
        key="preference_source",
    )
    most = st.number_input(
        "Pairs at most",
        min_value=0,
        value=0,
        key="preference_most",
        help="0 is no limit. Pairs that people confirmed come first; corrected answers come on top.",
    )
    filters = _pair_filters()
    where = PairFilter(source=source)
    temperature, calibrated_by = _calibration(db, judge)
    people = curate_recipe.reliability_of(db)
    st.caption(f":material/group: {people.sentence}")
    recipe = PreferenceRecipe(
        judge.where if judge else None,
        where,
        int(most),
        filters,
        temperature=temperature,
        calibrated_by=calibrated_by,
        certificate=quality_stamps.of_judge(db, judge),
        people=people,
    )
    harmless = recipe.pool(db)
    helpful = _helpful_pairs(db, source, filters, people)
    share = _share(
        curate_recipe.most_helpful(harmless, helpful.pool),
        curate_recipe.PREFERENCE_SHARE,
        helpful,
        "preference",
    )
    return curate_recipe.made(harmless, helpful, share, recipe.origin)


def _calibration(db: Database, judge: Judge | None) -> tuple[float | None, str]:
    """The temperature in use for this judge, and what the manifest says of it; shown."""
    temperature, words = quality_stamps.calibration_of(db, judge)
    if judge is not None:
        st.caption(f":material/thermostat: {words}")
    return temperature, words


def _helpful_pairs(db: Database, source: str, filters: Filters, people: Reliability) -> Helpful:
    others = [name for name in pairs.sources(db) if name and name != source] if source else []
    name = st.selectbox(
        "Helpful pairs",
        [SHIPPED, *others],
        key="preference_helpful",
        help="Choose a source above, and the other ones can be the helpful part.",
    )
    if name == SHIPPED:
        return curate_recipe.helpful_pairs(filters)
    return curate_recipe.helpful_source(db, name, filters, people)


def _pair_filters() -> Filters:
    with st.expander("Which pairs", icon=":material/rule:"):
        values = {
            "people_only": st.toggle("Only pairs that people agree on", key="preference_people"),
            "drop_inconsistent": st.toggle(
                "Leave out inconsistent ones",
                key="preference_inconsistent",
                help="Those whose two orders disagree after the judge's median offset is taken out.",
            ),
            "keep_ties": st.toggle("Keep ties, as one half each", key="preference_ties"),
            "min_margin": st.slider(
                "Confidence: least distance of p from one half",
                0.0,
                0.45,
                0.0,
                0.01,
                key="preference_margin",
            ),
        }
    return _answer_filters("preference", values)


def _answer_filters(key: str, values: dict[str, object]) -> Filters:
    """Filters on what would be learned, with the values chosen before."""
    with st.expander("Which answers", icon=":material/filter_alt:"):
        drop = "drop_refusals", "drop_boilerplate"
        words = "Leave out refusals, by their wording", "Leave out stock phrases"
        chosen = {n: st.toggle(w, key=f"{key}_{n}") for n, w in zip(drop, words, strict=True)}
        repetition = st.slider(
            "Most repetition", 0.0, 1.0, 1.0, 0.05, key=f"{key}_repetition", help="1 is no limit."
        )
        least, most = st.slider("Words", 0, 1000, (0, 1000), 5, key=f"{key}_words")
    with st.expander("Corrected answers", icon=":material/edit_note:"):
        share = st.slider(
            "Greatest share",
            0.0,
            1.0,
            Filters().max_corrected,
            0.05,
            key=f"{key}_corrected",
            help="Of the rows beside the helpful ones: answers that people wrote in place of a"
            " model's. Which ones are left out stays the same. 1 is no limit.",
        )
    values = values | chosen | {"min_words": least, "max_corrected": share}
    values |= {"max_words": most} if most < 1000 else {}
    values |= {"max_repetition": repetition} if repetition < 1 else {}
    return Filters.of(values)


def _share(most: float, wanted: float, helpful: Helpful, key: str) -> float:
    """The helpful share, as far as there are helpful rows; 0 mixes none in."""
    top = int(most * 100)
    if not top:
        st.caption("No helpful row can be mixed in.")
        return 0.0
    percent = st.slider(
        "Helpful share",
        0,
        top,
        min(top, round(wanted * 100)),
        format="%d%%",
        key=f"{key}_share_{top}",
        help=f"Without helpful rows a model learns to refuse. The method's paper had {wanted:.0%}.",
    )
    if top < round(wanted * 100):
        st.caption(
            f"At most {top}%: there are {len(helpful.pool.rows)} helpful rows. The method's paper had"
            f" {wanted:.0%}."
        )
    return percent / 100


def prompt_set(db: Database) -> Made | None:
    """Prompts that PPO writes answers to."""
    sets = [item for item in prompts.sets(db) if item.n]
    if not sets:
        cards.empty(
            "There are no prompts yet",
            "PPO writes answers to prompts and learns from their rewards.",
            page="generate",
            label="Bring in prompts",
        )
        return None
    names = st.multiselect(
        "Prompt sets", [s.name for s in sets], default=[s.name for s in sets], key="prompts_sets"
    )
    pool = curate_recipe.prompt_pool(db, names)
    return Made(pool, Origin(settings={"sets": list(names)}))
