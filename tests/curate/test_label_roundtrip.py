"""What is written in a form is read again from it: whole where the form holds it."""

import gzip
from dataclasses import replace

import pytest
from hypothesis import given, settings

from cai_core.curate import label_files
from cai_core.curate.label_files import open_labels
from cai_core.schema import Said
from tests.curate.label_makers import files


def written(folder, labels, form, name="labels.txt"):
    path = folder / name
    text = "".join(label_files.pieces(labels, form))
    data = text.encode()
    path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return path


def read(path):
    """Its labels, and what the file was taken for."""
    file = open_labels(path)
    rows = [found for _, found in file]
    faults = [row for row in rows if isinstance(row, Exception)]
    assert not faults, faults
    return [label for row in rows for label in row], file.form


def plain(labels):
    return [label.to_row() for label in labels]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("round")


@pytest.mark.parametrize("name", ["labels.csv", "labels.gz"])
@given(files())
@settings(max_examples=60)
def test_json_lines_hold_everything_whatever_they_are_called(folder, name, labels):
    again, form = read(written(folder, labels, "labels", name))
    assert (plain(again), form) == (plain(labels), "labels")


@given(files())
@settings(max_examples=150)
def test_a_table_holds_everything(folder, labels):
    again, form = read(written(folder, labels, "csv"))
    assert (plain(again), form) == (plain(labels), "csv")


@given(files())
@settings(max_examples=100)
def test_annotated_pairs_hold_what_everybody_said_under_which_setting(folder, labels):
    again, form = read(written(folder, labels, "annotated-pairs"))
    held = [
        replace(
            label,
            **dict.fromkeys(
                ("p_raw", "orders", "offset", "flipped", "inconsistent", "mass", "seed")
            ),
            extra={},
        )
        for label in labels
    ]
    assert form == "annotated-pairs"
    assert plain(again) == plain(held)


@given(files())
@settings(max_examples=100)
def test_records_hold_people_and_the_newest_judgement_of_each_pair(folder, labels):
    again, form = read(written(folder, labels, "argilla"))
    newest = {label.pair.id: label for label in labels if label.kind == "judge" and label.verdict}
    people = [label for label in labels if label.kind == "person"]
    assert form == "argilla" or not (people or newest)
    wanted = sorted(map(told, [*people, *newest.values()]))
    assert sorted(map(told, again)) == wanted


def told(label):
    said = Said.of(label)
    return (*said.key, str(said.verdict), round(-1 if said.p_a is None else said.p_a, 9))
