"""Random numbers keyed by the decision and by whose it is, never by a position in a stream.

A uniform is a pure function of (replication seed, decision, who, when). The same household therefore meets the same
draw in every arm, and adding a household, an arm or a worker changes nobody else's.

Source: B. Widynski, "Squares: a fast counter-based RNG" (2020), 64-bit variant with five rounds.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numba import njit, uint64

_WHEN_BITS = 20  # months, attempts and lumps stay below a million; who (slot or council) takes the other 44 bits


def decision_key(seed: int, decision: str) -> np.uint64:
    """Key of one named decision in one replication; odd, as the generator needs."""
    digest = blake2b(f"{seed}/{decision}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little") | 1)


@njit(cache=True, nogil=True, inline="always")
def uniform(key: np.uint64, who: int, when: int) -> float:
    """Uniform in [0, 1) of a decision (`key`) for one actor (`who`) at one time or attempt (`when`)."""
    # Everything is cast: a signed operand would turn the whole product into a float and spoil the hash silently.
    counter = (uint64(who) << uint64(_WHEN_BITS)) | uint64(when)
    y = uint64(counter * key)
    z = uint64(y + key)
    x = y
    x = uint64(x * x + y)
    x = (x >> uint64(32)) | (x << uint64(32))
    x = uint64(x * x + z)
    x = (x >> uint64(32)) | (x << uint64(32))
    x = uint64(x * x + y)
    x = (x >> uint64(32)) | (x << uint64(32))
    x = uint64(x * x + z)
    t = x
    x = (x >> uint64(32)) | (x << uint64(32))
    bits = t ^ uint64((x * x + y) >> uint64(32))
    return float(bits >> uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True)  # so short that to give the interpreter's lock away and get it back would cost more
def _fill(key: np.uint64, first: int, count: int, when: int) -> np.ndarray:
    draws = np.empty(count)
    for position in range(count):
        draws[position] = uniform(key, first + position, when)
    return draws


class Draws:
    """The draws of one replication: `draws.each("answer", 361, month)` or `draws.key("decide")` for a kernel."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._keys: dict[str, np.uint64] = {}
        self._sets: dict[tuple[str, ...], np.ndarray] = {}

    def key(self, decision: str) -> np.uint64:
        """Key of a named decision, for a kernel that draws inside."""
        if decision not in self._keys:
            self._keys[decision] = decision_key(self._seed, decision)
        return self._keys[decision]

    def keys(self, decisions: tuple[str, ...]) -> np.ndarray:
        """Keys of several named decisions, uint64, for a kernel that draws inside."""
        if decisions not in self._sets:
            self._sets[decisions] = np.array([self.key(decision) for decision in decisions], np.uint64)
        return self._sets[decisions]

    def each(self, decision: str, count: int, when: int, first: int = 0) -> np.ndarray:
        """Uniforms of shape (count,), one for each row of a table (council, area) from `first` on, at one month."""
        return np.asarray(_fill(self.key(decision), first, count, when))

    def one(self, decision: str, who: int, when: int) -> float:
        """A single uniform."""
        return float(uniform(self.key(decision), who, when))
