"""Every error that is meant for a person.

CaiError                      every message is fit to be shown to a person as it is
  ConstitutionError           (also ValueError) unreadable, empty or duplicate principle
  DataError                   (also ValueError) a malformed row: carries file, line, column
  ModelError                  cannot load, cannot reach, generation failed
    VerdictError              the judge gave no readable verdict: carries its raw text
    GaveUpError               many rows in a row failed for one same reason
  StoreError                  locked, newer than the code
    NotFoundError             (also LookupError) no such row
    ConflictError             somebody saved first: carries their version
  TrainError                  cannot start, no valid checkpoint, diverged
  JobError                    cannot start, lost, refused
  AccessError                 this user may not do this
  BudgetError                 what a run may spend is used up; what was finished is kept
  Stopped                     the work was stopped as asked; what was finished is kept
"""

__all__ = [
    "AccessError",
    "BudgetError",
    "CaiError",
    "ConflictError",
    "ConstitutionError",
    "DataError",
    "GaveUpError",
    "JobError",
    "ModelError",
    "NotFoundError",
    "Stopped",
    "StoreError",
    "TrainError",
    "VerdictError",
]


class CaiError(Exception):
    """Base of every error whose message can be shown to a person as it is."""


class ConstitutionError(CaiError, ValueError):
    """A constitution that cannot be read or used."""


class DataError(CaiError, ValueError):
    """A malformed row or file.

    Args:
        message: what is wrong and what to do, without the place.
        file: name of the file or upload, prefixed to the message where given.
        line: 1-based line, column: name of the field at fault.
    """

    def __init__(
        self, message: str, *, file: str = "", line: int | None = None, column: str = ""
    ) -> None:
        place = f"{file}:{line}" if file and line else file or (f"line {line}" if line else "")
        super().__init__(f"{place}: {message}" if place else message)
        self.reason = message
        self.file, self.line, self.column = file, line, column


class ModelError(CaiError):
    """A model cannot be loaded, reached or run."""


class VerdictError(ModelError):
    """The judge gave no readable verdict; `raw` is what it said."""

    def __init__(self, message: str, *, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class GaveUpError(ModelError):
    """Many rows in a row failed for one same reason, so that the others were not asked."""


class StoreError(CaiError):
    """The database is locked, unreadable or newer than the code."""


class NotFoundError(StoreError, LookupError):
    """No row has this id."""


class ConflictError(StoreError):
    """Somebody else saved first; `current` is what stands in the database now."""

    def __init__(self, message: str, *, current: object = None) -> None:
        super().__init__(message)
        self.current = current


class TrainError(CaiError):
    """Training cannot start or go on."""


class JobError(CaiError):
    """A job cannot be started, was lost, or refuses what was asked."""


class AccessError(CaiError):
    """This user may not do this."""


class BudgetError(CaiError):
    """What a run may spend is used up; what was finished is kept."""


class Stopped(CaiError):
    """The work was stopped as asked; what was finished is kept."""
