"""The rules for households compiled from C by gcc at run time, over the same columns: how fast compiled code can be."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from sim.households import Households, first_slot

SOURCE = Path(__file__).with_name("kernel.c")
# Contraction to fused multiply-adds would round otherwise than numba does.
FLAGS = ("-O3", "-march=native", "-ffp-contract=off", "-shared", "-fPIC")
NO_COMPILER = "gcc is not installed: no C kernel to compare with (Debian: apt-get install gcc)"


def available() -> bool:
    """Whether there is a compiler."""
    return shutil.which("gcc") is not None


@lru_cache
def library() -> ctypes.CDLL:
    """The compiled kernel.

    Raises:
        RuntimeError: there is no compiler.
    """
    if not available():
        raise RuntimeError(NO_COMPILER)
    with TemporaryDirectory() as folder:
        built = Path(folder) / "kernel.so"
        subprocess.run(["gcc", *FLAGS, "-o", str(built), str(SOURCE), "-lm"], check=True)
        loaded = ctypes.CDLL(str(built))
    for name in ("decide", "decide_appeals", "place", "fill", "displace"):
        getattr(loaded, name).restype = ctypes.c_int64
    return loaded


class _Columns(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p)
        for name in ("slot", "claimed", "due", "council", "people", "school_age", "decision_group", "stage",
                     "support", "accommodation")
    ]  # fmt: skip


def _real(*values: float) -> list[ctypes.c_double]:
    return [ctypes.c_double(float(value)) for value in values]


def _whole(*values: int) -> list[ctypes.c_int64]:
    return [ctypes.c_int64(int(value)) for value in values]


def _at(array: np.ndarray) -> ctypes.c_void_p:
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


class CHouseholds(Households):
    """`Households` whose rules are the C functions."""

    _pointed: Any = None

    @classmethod
    def of(cls, start: Households) -> CHouseholds:
        """The same households, now with C rules."""
        return cls(start.columns, start.n, start.occupied)

    def _call(self, name: str, *arguments: Any) -> Any:
        if self._pointed is not self.columns:  # once for each place in memory: the call itself should cost little
            self._pointed, self._pointers = self.columns, _Columns(*(column.ctypes.data for column in self.columns))
        given = [_at(a) if isinstance(a, np.ndarray) else a for a in arguments]
        return getattr(library(), name)(ctypes.byref(self._pointers), *given)

    def arrive(
        self, month: int, people: int, keys: Any, shares: tuple[float, ...], sizes: Any, group_shares: Any,
        subsistence_weight: Any,
    ) -> tuple[int, int]:  # fmt: skip
        self.reserve(people)
        n, supported, alone = _whole(self.n, 0, 0)
        self._call(
            "arrive", ctypes.byref(n), *_whole(first_slot(month)), month, *_whole(people), keys, *_real(*shares),
            sizes, sizes.size, group_shares, group_shares.size, subsistence_weight, subsistence_weight.size,
            self.occupied, ctypes.byref(supported), ctypes.byref(alone),
        )  # fmt: skip
        self.n = n.value
        return supported.value, alone.value

    def arrive_on_appeal(self, month: int, cases: int, keys: Any, share: float, sizes: Any) -> None:
        self.reserve(cases)
        (n,) = _whole(self.n)
        slot = first_slot(month, on_appeal=True)
        self._call(
            "arrive_on_appeal", ctypes.byref(n), *_whole(slot), month, *_whole(cases), keys, *_real(share), sizes,
            sizes.size,
        )  # fmt: skip
        self.n = n.value

    def decide(self, month: int, *rule: Any) -> int:
        keys, queue, capacity, oldest, outcome_shares, exit_days, *shares, outcomes = rule
        exit_days = np.asarray(exit_days, float)
        lodged = self._call(
            "decide", *_whole(self.n), month, keys, *_whole(queue, capacity), *_real(oldest), outcome_shares,
            len(outcome_shares), exit_days, *_real(*shares), outcomes, self.scratch,
        )  # fmt: skip
        return int(lodged)

    def decide_appeals(self, month: int, *rule: Any) -> tuple[int, int]:
        keys, queue, capacity, oldest, allowed_share, exit_days, tail_entry = rule
        exit_days = np.asarray(exit_days, float)
        (allowed,) = _whole(0)
        decided = self._call(
            "decide_appeals", *_whole(self.n), month, keys, *_whole(queue, capacity), *_real(oldest, allowed_share),
            exit_days, *_real(tail_entry), self.scratch, ctypes.byref(allowed),
        )  # fmt: skip
        return decided, allowed.value

    def leave(
        self, month: int, keys: Any, tail_hazard: float, duty_share: Any, drift_share: float, drift_weight: Any,
        exits: Any, duties: Any,
    ) -> None:  # fmt: skip
        self._call(
            "leave", *_whole(self.n), month, keys, *_real(tail_hazard), duty_share, *_real(drift_share), drift_weight,
            duty_share.size, self.occupied, exits, duties, self.scratch,
        )  # fmt: skip

    def place(self, month: int, key: Any, councils: Any, vacancy: Any, weight: Any) -> int:
        area = np.ascontiguousarray(councils.area)  # a column lies among the others of its row; C wants it in one piece
        left = self._call(
            "place", *_whole(self.n), month, ctypes.c_uint64(int(key)), area, councils.area_start,
            councils.area_start.size - 1, councils.by_area, vacancy, weight, vacancy.size, self.occupied, self.queue,
            self.scratch,
        )  # fmt: skip
        return int(left)

    def fill(self, month: int, key: Any, kind: int, room: Any, count: int) -> tuple[int, int]:
        (people,) = _whole(0)
        left = self._call(
            "fill", month, ctypes.c_uint64(int(key)), kind, room, room.size, self.occupied, self.queue, *_whole(count),
            ctypes.byref(people),
        )  # fmt: skip
        return left, people.value

    def displace(self, kind: int, surplus: Any, count: int) -> int:
        left = self._call(
            "displace", *_whole(self.n), kind, surplus, surplus.size, self.occupied, self.queue, *_whole(count),
        )  # fmt: skip
        return int(left)

    def census(self, present: Any) -> tuple[int, ...]:
        counts = np.zeros(6, np.int64)
        self._call("census", *_whole(self.n), self.occupied, present, present.shape[0], self.scratch, counts)
        *counts, self.gone = map(int, counts)
        return tuple(counts)
