"""The pages of the workbench and the menu that links them: one table."""

from dataclasses import dataclass
from itertools import groupby

import streamlit as st

from cai_core.settings import PROJECT_DIR


@dataclass(frozen=True)
class Entry:
    """One page; `says` explains it in one line under its title (a tooltip would hang over the page)."""

    name: str
    title: str
    icon: str
    group: str
    says: str

    @property
    def path(self) -> str:
        return "app.py" if self.name == "overview" else f"pages/{self.name}.py"

    @property
    def exists(self) -> bool:
        return (PROJECT_DIR / self.path).exists()


MENU = (
    Entry(
        "overview",
        "Overview",
        ":material/home:",
        "",
        "How far each stage is, what runs now, and what to do next.",
    ),
    Entry(
        "constitution",
        "Constitution",
        ":material/gavel:",
        "Principles",
        "Write the principles, try them on real answers while you write, and save versions.",
    ),
    Entry(
        "playground",
        "Playground",
        ":material/science:",
        "Principles",
        "Watch a model criticise and revise its own answer, and see how the judge decides.",
    ),
    Entry(
        "impact",
        "Impact",
        ":material/difference:",
        "Principles",
        "See which labels and revisions an edit changes, and whether that is real, before you train on it.",
    ),
    Entry(
        "generate",
        "Generate",
        ":material/auto_awesome:",
        "Feedback",
        "Make revisions, pairs and judgements over a whole prompt set.",
    ),
    Entry(
        "review",
        "Review",
        ":material/rate_review:",
        "Feedback",
        "Give your own verdict on pairs, and see where the judge is wrong.",
    ),
    Entry(
        "quality",
        "Quality",
        ":material/verified:",
        "Feedback",
        "How right the labels are, how sure that is, and what would make it surer.",
    ),
    Entry(
        "curate",
        "Curate",
        ":material/filter_alt:",
        "Training",
        "Choose what goes into training, and freeze it as a dataset.",
    ),
    Entry(
        "train",
        "Train",
        ":material/model_training:",
        "Training",
        "Set up and start supervised training, a reward model, or PPO.",
    ),
    Entry(
        "runs",
        "Runs",
        ":material/monitoring:",
        "Training",
        "What runs, what waits, what came out, and what went wrong.",
    ),
    Entry(
        "compare",
        "Compare",
        ":material/compare_arrows:",
        "Evaluation",
        "What training changed: the model before and after, side by side.",
    ),
    Entry(
        "settings",
        "Settings",
        ":material/settings:",
        "Workspace",
        "Models, endpoints and the judge; where things are, and whether all is well.",
    ),
)


def entry(name: str) -> Entry:
    return next(item for item in MENU if item.name == name)


def show_menu() -> None:
    """Draw the links, one heading a group; a page that has no file yet has no link."""
    for group, items in groupby((item for item in MENU if item.exists), key=lambda i: i.group):
        with st.container(gap="xsmall"):
            if group:
                st.caption(group)
            for item in items:
                _link(item)


def _link(item: Entry) -> None:
    st.page_link(item.path, label=item.title, icon=item.icon, width="stretch")


def link(name: str, label: str) -> None:
    """A link to a page, in words that say what to do there; nothing while that page has no file."""
    item = entry(name)
    if item.exists:
        st.page_link(item.path, label=label, icon=item.icon)
