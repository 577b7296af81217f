"""Exact sums of floats of very different sizes: fixed point in several int64 columns, its limbs.

One int64 holds sums of values that are alike in size, as scores are. Where a value may be 1e-9 or 1e12,
its bits are laid over limbs of 30 bits, each of which is summed for itself and never carries; the carrying
is done when the sum is read. So adding, retracting and merging are plain additions here too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from metrics.scatter import Floats, Ints

LIMB_BITS = 30
_MANTISSA_BITS = 53
_LIMBS_OF_A_TERM = 3  # 53 bits, beginning anywhere within the first limb


@dataclass(frozen=True, slots=True)
class FixedSum:
    """A sum in ``limbs`` columns, at least 3; column k counts in units of ``2**(lowest + 30 k)``.

    A term is off by 2**(lowest - 1) at most, and not at all if it is a multiple of 2**lowest. Its size
    may be up to 2**(lowest + 30 limbs + 2): then 2**31 terms fit.

    >>> total = FixedSum(lowest=-70, limbs=4)
    >>> columns, amounts = total.terms(np.array([1e12, 2**-40, -1e12]))
    >>> head = np.zeros(4, np.int64)
    >>> np.add.at(head, columns, amounts)
    >>> float(total.read(head))
    9.094947017729282e-13
    """

    lowest: int
    limbs: int

    def terms(self, values: Floats) -> tuple[Ints, Ints]:
        """Of finite values f8[n]: i8[3, n] columns, the sum's first being 0, and i8[3, n] what each adds there."""
        last_bit = np.frexp(values)[1].astype(np.int64) - _MANTISSA_BITS - self.lowest
        first = np.clip(last_bit // LIMB_BITS, 0, self.limbs - _LIMBS_OF_A_TERM)
        # Splitting is exact: every step takes the leading bits off a float.
        rest = np.rint(np.ldexp(values, -self.lowest - LIMB_BITS * first))
        high = np.trunc(np.ldexp(rest, -2 * LIMB_BITS))
        rest -= np.ldexp(high, 2 * LIMB_BITS)
        middle = np.trunc(np.ldexp(rest, -LIMB_BITS))
        rest -= np.ldexp(middle, LIMB_BITS)
        return np.stack([first, first + 1, first + 2]), np.stack([rest, middle, high]).astype(np.int64)

    def read(self, head: Ints) -> Fraction:
        """The sum of what was added to head i8[limbs], exactly."""
        units = sum(limb << (LIMB_BITS * k) for k, limb in enumerate(head.tolist()))
        return Fraction(units) * Fraction(2) ** self.lowest
