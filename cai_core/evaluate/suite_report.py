"""What a run of a suite comes to: counts, a line for each case that does not pass, and JUnit's XML.

Counts only: the cases were chosen by hand, so a share of them measures nothing.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from cai_core.schema import Case, CaseResult, ConstitutionRef, Row

_WORDS = {"failed": "FAILED", "error": "ERROR"}


@dataclass(frozen=True)
class SuiteReport:
    """The results of a suite under one constitution, in the order of its cases."""

    constitution: ConstitutionRef
    cases: tuple[Case, ...]
    results: tuple[CaseResult, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many cases passed, failed, could not be run (`errors`), and are disabled."""
        found = Counter(result.outcome for result in self.results)
        off = sum(not case.enabled for case in self.cases)
        said = {"passed": found["passed"], "failed": found["failed"]}
        return said | {"errors": found["error"], "disabled": off}

    @property
    def passes(self) -> bool:
        """Whether every enabled case passed."""
        return all(result.outcome == "passed" for result in self.results)

    @property
    def sentence(self) -> str:
        words = {"errors": "error"} if self.counts["errors"] == 1 else {}
        return ", ".join(f"{n} {words.get(name, name)}" for name, n in self.counts.items())

    def lines(self) -> Iterator[str]:
        """A line for each case that failed or could not be run, with what was seen."""
        for result in self.results:
            if result.outcome != "passed":
                word = _WORDS[result.outcome]
                yield f"{word} {result.id}: {result.case.expectation}: {_plain(result.seen)}"

    def summary(self) -> Row:
        """Counts, and outcome and sight of each case."""
        ran = [
            {"id": one.id, "expect": str(one.case.expectation), "outcome": one.outcome}
            | {"seen": one.seen}
            for one in self.results
        ]
        return {"constitution": self.constitution.to_row()} | self.counts | {"cases": ran}

    def to_row(self) -> Row:
        return {"kind": "suite"} | self.summary() | {"rows": [r.to_row() for r in self.results]}


def junit(report: SuiteReport) -> str:
    """The report as JUnit's XML, which build servers read: failures and errors apart."""
    counts, name = report.counts, _plain(report.constitution.name)
    by_id = {result.id: result for result in report.results}
    numbers = {"tests": str(len(report.cases)), "failures": str(counts["failed"])}
    numbers |= {"errors": str(counts["errors"]), "skipped": str(counts["disabled"])}
    root = ElementTree.Element("testsuites", numbers)
    suite = ElementTree.SubElement(root, "testsuite", {"name": name, **numbers})
    for case in report.cases:
        at = ElementTree.SubElement(suite, "testcase", {"classname": name, "name": case.id})
        result = by_id.get(case.id)
        if result is None:
            ElementTree.SubElement(at, "skipped", {"message": "disabled"})
        elif result.outcome != "passed":
            kind = "failure" if result.outcome == "failed" else "error"
            said = _plain(f"{case.expectation}: {result.seen}")
            ElementTree.SubElement(at, kind, {"message": said})
    ElementTree.indent(root)
    written: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return written.decode("utf-8") + "\n"


def _plain(text: str) -> str:
    """On one line, without signs that steer a terminal or may not stand in XML."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)
    return " ".join(shown.split())
