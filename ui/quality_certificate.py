"""The certificate on top of the quality page: how right the labels are, and what stands beside it."""

from functools import partial

import streamlit as st
from sqlite_utils import Database

from cai_core.curate import snapshot
from cai_core.evaluate.certificate_sheet import to_html
from cai_core.review.certificate import Certificate
from cai_core.stats import NOTHING, Estimate
from cai_core.store import certificates, datasets
from ui import cards, frame, menu, quality_learned, quality_more, quality_stamps
from ui.clock import moment
from ui.plain import label
from ui.quality_data import Quality, certificate_of

LEFT_OUT = {
    "bad": "both bad",
    "skip": "skipped",
    "sighted": "with the judgement in sight",
    "not the first": "given again",
    "narrow queue": "on pairs that no even or useful draw brought up",
    "taken back": "taken back",
}


def show(db: Database, quality: Quality) -> None:
    found = certificate_of(quality)
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown("**Certificate**", width="stretch")
            st.caption(f"{found.date} · {found.hash or 'nothing to hash'}", width="content")
        columns = st.columns([3, 2, 2, 2])
        for column, (title, number, note) in zip(
            columns, _numbers(db, quality, found), strict=True
        ):
            with column:
                cards.number(title, number, percent=True, note=note)
        st.markdown(f"Of {label(quality.subject.population, limit=300)}: {_sentence(found)}")
        for line in notes(quality, found):
            st.caption(line)
        if found.n:
            _keep(db, quality, found)
        else:
            menu.link("review", "Review pairs blind")


def _numbers(
    db: Database, quality: Quality, found: Certificate
) -> tuple[tuple[str, Estimate, str], ...]:
    share = Estimate(found.estimate, found.low, found.high, found.n)
    learned = quality_learned.beside_of(db, quality)
    return (
        (
            "Labels that agree with people",
            share,
            "With their first blind verdicts, weighed back to all pairs of the population.",
        ),
        (
            "Two people agree",
            found.human_human,
            "The ceiling: on pairs that two people read blind.",
        ),
        (
            "Learned judge",
            learned.learned if learned else NOTHING,
            "Cross-fitted by prompt. It was taught by these people and is not independent of them.",
        ),
        (
            "Labels, same pairs",
            learned.other if learned else NOTHING,
            "On the pairs that taught the learned judge, to compare both.",
        ),
    )


def _sentence(found: Certificate) -> str:
    return label(found.words(), limit=600)


def notes(quality: Quality, found: Certificate) -> list[str]:
    """What must be known to read the number."""
    lines = [
        f"n = {found.n:,} reviewed of N = {found.population:,}; {found.ties:,} with a tie, which counts half."
    ]
    if found.known:
        lines[0] += f" {found.known:,} labels are a person's own."
    if found.left_out:
        told = ", ".join(f"{n:,} {LEFT_OUT.get(why, why)}" for why, n in found.left_out.items())
        lines.append(f"Verdicts that do not measure: {label(told, limit=300)}.")
    if found.assumes_random:
        lines.append(
            ":material/warning: How these pairs came up was not recorded: they are taken for a random"
            " sample. Review from the queues **even** or **most useful** to know."
        )
    if quality.sample.unreached:
        lines.append(
            f":material/info: {quality.sample.unreached:,} pairs came after the last draw; the"
            " reviews say nothing of them for sure."
        )
    if quality.elsewhere:
        lines.append(
            f"{quality.elsewhere:,} rows of the dataset are no pairs of this workspace (for example"
            " shipped helpful ones) and are not counted."
        )
    return lines


def _keep(db: Database, quality: Quality, found: Certificate) -> None:
    """Print it, and stamp it on what is made of these labels."""
    last = certificates.newest(db, quality.subject.key)
    same = last is not None and last.row.get("hash") == found.hash
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Print",
            data=partial(printed, quality, found),
            file_name=f"certificate-{found.date}-{found.hash}.html",
            mime="text/html",
            icon=":material/print:",
            key="quality_print",
            on_click="ignore",
            help="One page of HTML, to print or to send.",
        )
        st.button(
            "Stamp",
            icon=":material/approval:",
            key="quality_stamp",
            disabled=same,
            on_click=frame.callback(_stamp),
            args=(quality.subject.key, quality.subject.population, found),
            help="Keeps it as it is: datasets built from these labels from now on carry it, and so"
            " do the cards of models trained on them.",
        )
        if last is not None:
            when = moment(last.created)
            words = "as it stands." if same else label(last.words, limit=200)
            st.caption(f"Stamped {when} by {label(last.person)}: {words}")


def printed(quality: Quality, found: Certificate) -> str:
    """The page to print, with the gate and the width that are asked for below."""
    return to_html(
        found,
        of=quality.subject.of,
        gate=quality_more.gate_of(quality),
        needed=quality_more.needed_plainly(found),
    )


def _stamp(db: Database, key: str, population: str, found: Certificate) -> None:
    row = found.to_row() | {"population_words": population}
    kept = certificates.stamp(db, key, row, words=found.words(), person=frame.person())
    kind, _, name = key.partition(":")
    if kind == "dataset":
        carried = quality_stamps.carried(found, population, person=kept.person)
        snapshot.stamp(datasets.get(db, name).path, carried)
    st.toast("Stamped.", icon=":material/approval:")
