"""Logistic regression without intercept where columns outnumber rows: solved over the rows' kernel.

Minimises sum of cost * (log(1 + exp(f)) - target * f) + |w|^2 / 2 over f = rows @ w, by Newton's steps
with the curvature at its bound, cost / 4 (Boehning and Lindsay 1988). One inverse then serves all steps,
and by its blocks the fits that leave a fold out as well.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.stats import FloatArray, sigmoid

STEPS = 500
CLOSE = 1e-5  # in log-odds: a step under this is the last

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Solution:
    """`alpha` (n,): w = rows.T @ alpha. `left_out` (n,): log-odds by the fit that saw no row of the fold."""

    alpha: FloatArray
    left_out: FloatArray


def kernel_of(rows: NDArray[np.float32]) -> FloatArray:
    """Inner products of all rows: (n, n) of (n, d)."""
    return np.asarray(rows @ rows.T, dtype=np.float64)


@dataclass(frozen=True)
class Problem:
    """Rows with the weight of each, to be fitted to any targets: `kernel` and `inverse` are (n, n).

    `ridge` (n,) is 4 / cost; `inverse` is that of kernel + diag(ridge), the step's curvature.
    """

    kernel: FloatArray
    ridge: FloatArray
    inverse: FloatArray

    @classmethod
    def of(cls, kernel: FloatArray, cost: FloatArray) -> "Problem":
        """Of inner products (n, n) and costs (n,) over 0."""
        ridge = 4 / cost
        return cls(kernel, ridge, _inverse(kernel + np.diag(ridge)))

    def solve(self, target: FloatArray, folds: Places | None = None) -> Solution:
        """Fit all rows, and all rows but those of each fold, together.

        Args:
            target: (n,) in [0, 1]. folds: (n,) the fold of each row, from 0; without them nothing is
                left out, and `left_out` is of the fit that saw everything.
        """
        n = len(target)
        number = np.full(n, -1) if folds is None else folds
        out = [np.flatnonzero(number == fold) for fold in range(int(number.max(initial=-1)) + 1)]
        behind = [self._behind(rows) for rows in out]
        seen = np.ones((n, 1 + len(out)))  # column 0: the fit of all rows
        for column, rows in enumerate(out, start=1):
            seen[rows, column] = 0
        alpha, f = np.zeros_like(seen), np.zeros_like(seen)
        for _ in range(STEPS):
            slope = 4 * (target[:, None] - sigmoid(f)) - self.ridge[:, None] * alpha
            step = self.inverse @ (seen * slope)
            for column, (rows, block) in enumerate(zip(out, behind, strict=True), start=1):
                step[:, column] -= block @ step[rows, column]
            alpha += seen * step
            before, f = f, self.kernel @ alpha
            if np.max(np.abs(f - before), initial=0.0) < CLOSE:
                break
        return Solution(alpha[:, 0], f[np.arange(n), 1 + number])

    def _behind(self, rows: Places) -> FloatArray:
        """What takes these rows out of a step: the inverse without them follows from the whole one."""
        block = np.linalg.inv(self.inverse[np.ix_(rows, rows)])
        found: FloatArray = self.inverse[:, rows] @ block
        return found


def folds_by(groups: Places, most: int, *, seed: int = 0) -> Places:
    """A fold for each row, whole groups together, from 0: (n,) of (n,); `most` folds, or a group each."""
    known, places = np.unique(groups, return_inverse=True)
    shuffled = np.random.default_rng(seed).permutation(len(known)) % most
    found: Places = shuffled[places]
    return found


def _inverse(matrix: FloatArray) -> FloatArray:
    """Of a symmetric positive definite matrix, by Cholesky: half of the work of the general one."""
    from scipy.linalg.lapack import dpotrf, dpotri

    factor, _ = dpotrf(matrix, lower=1, overwrite_a=1)
    lower, _ = dpotri(factor, lower=1, overwrite_c=1)
    half = np.tril(lower)
    found: FloatArray = half + np.tril(half, -1).T
    return found
