"""Section 4 support: the published part of those supported after refusal, as a stock of its own.

It is counted beside the households, not among them: which refused households move between section 4 and section 95
(families, further submissions) is not published. It changes nothing else in the model.
"""

from __future__ import annotations

from typing import Any


def next_stock(stock: float, entered: int, tail: int, now: Any) -> float:
    """People on section 4 after a month: some of those who enter the tail, less those whose section 4 ends.

    Args:
        stock: people on section 4 a month ago.
        entered: people who entered support after refusal this month.
        tail: people supported after refusal now; section 4 is a part of them.

    Source: entry and stay chosen on the published stock of December 2022 to December 2024.
    """
    grown = stock + now.support.section_four_entry * entered - stock / now.support.section_four_stay
    return float(min(max(grown, 0.0), tail))
