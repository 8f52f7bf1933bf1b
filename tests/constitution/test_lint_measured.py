"""How often lint is right on wordings labelled by hand, and that the docs say so."""

import pytest

from cai_core.constitution import rules
from cai_core.settings import PROJECT_DIR
from tests.constitution.measured import MEASURES, counts, rows, table_row

DOC = (PROJECT_DIR / "docs" / "lint.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.rule)
def test_a_rule_is_right_on_most_wordings_that_it_was_not_adjusted_on(measure):
    held_out = counts(measure, 1)
    assert held_out.precision >= 0.9
    assert held_out.recall >= (0.6 if measure.rule == "near-duplicate" else 0.85)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.rule)
def test_the_docs_give_the_numbers_that_are_measured(measure):
    assert table_row(measure) in DOC


@pytest.mark.parametrize("measure", MEASURES, ids=lambda m: m.rule)
def test_forty_wordings_and_more_of_each_kind_are_labelled(measure):
    labels = [measure.label in labels for labels, _ in rows(measure.file)]
    assert labels.count(True) >= 40
    assert labels.count(False) >= 40


@pytest.mark.parametrize("rule", rules.rules(), ids=lambda r: r.name)
def test_the_docs_have_every_rule_with_its_source(rule):
    assert f"| `{rule.name}` |" in DOC
    assert rule.source in DOC
