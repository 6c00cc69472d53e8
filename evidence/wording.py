"""Numbers as words: at most three significant figures, plain British English, ranges that read aloud."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date

import numpy as np

MINUS = "−"
SHORTHAND = {
    "[c]": "confidential: fewer than 5, zero included, or withheld to protect such a count",
    "[x]": "no central figure: below 200 people supported it would mislead, so use the range",
    "[z]": "does not apply",
}


def significant(value: float, figures: int = 3) -> float:
    """Round to significant figures; zero stays zero."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, figures - 1 - math.floor(math.log10(abs(value))))


def number(value: float, figures: int = 3) -> str:
    """A number with thousands separators and at most three significant figures: 68,538 reads 68,500."""
    if not math.isfinite(value):
        return "not known"
    rounded = significant(value, figures)
    if rounded == 0:
        return "0"
    places = max(0, figures - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{abs(rounded):,.{places}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if rounded < 0 else text


def short_day(when: date) -> str:
    """A date in a narrow column: 14 Sep 2026."""
    return f"{when.day} {when:%b %Y}"


def whole(value: float) -> str:
    """People or beds without the fraction that a mean or a quantile of them has."""
    return number(round(value))


def exact(value: float) -> str:
    """A published count, quoted exactly."""
    return f"{int(value):,}"


def _money_scale(*values: float) -> tuple[float, str]:
    largest = max(abs(significant(v)) for v in values)
    if largest >= 1e9:
        return 1e9, "bn"
    return (1e6, "m") if largest >= 1e6 else (1.0, "")


def money(value: float) -> str:
    """Pounds: £310m, £1.2bn, £48,600; a negative amount carries a true minus sign."""
    if not math.isfinite(value):
        return "not known"
    scale, suffix = _money_scale(value)
    text = number(value / scale)
    return f"{MINUS}£{text[1:]}{suffix}" if text.startswith(MINUS) else f"£{text}{suffix}"


def money_range(low: float, high: float) -> str:
    """Two amounts on one scale: 'between £310m and £460m'; equal ends collapse to one amount."""
    first, last = money(low), money(high)
    return f"about {first}" if first == last else f"between {first} and {last}"


def number_range(low: float, high: float) -> str:
    """Two counts: 'between 61,000 and 92,000'; equal ends collapse to one."""
    first, last = number(low), number(high)
    return f"about {first}" if first == last else f"between {first} and {last}"


def net_cost(low: float, high: float) -> str:
    """A council net cost in words; below zero the grant is larger than the cost, and the words say so."""
    low, high = (0.0 if abs(v) < 0.5e6 else v for v in (low, high))
    if low == 0 and high == 0:
        return "a net cost of less than £1m"
    if high <= 0:
        return f"a surplus of {money_range(-high, -low)}"
    if low < 0:
        return f"between a surplus of {money(-low)} and a net cost of {money(high)}"
    return f"a net cost of {money_range(low, high)}"


def change(low: float, high: float, less: str = "less", more: str = "more") -> str:
    """A difference in money: 'between £10m and £30m less', 'up to £8m more', 'from £5m less to £8m more'."""
    return _difference(low, high, less, more, money, money_range, least=0.5e6)


def people_change(low: float, high: float) -> str:
    """A difference in people: 'between 1,200 and 3,400 fewer', 'up to 800 more', 'no different'."""
    return _difference(low, high, "fewer", "more", number, number_range, least=0.5)


def _difference(
    low: float,
    high: float,
    less: str,
    more: str,
    show: Callable[[float], str],
    show_range: Callable[[float, float], str],
    least: float,
) -> str:
    low, high = (0.0 if abs(v) < least else v for v in (low, high))
    if low == 0 and high == 0:
        return "no different"
    if high <= 0:
        return f"{show_range(-high, -low) if high else f'up to {show(-low)}'} {less}"
    if low >= 0:
        return f"{show_range(low, high) if low else f'up to {show(high)}'} {more}"
    return f"from {show(-low)} {less} to {show(high)} {more}"


def count(value: float, one: str, many: str) -> str:
    """A whole number with its noun: '1 council', '12 councils'."""
    return f"{exact(round(value))} {one if round(value) == 1 else many}"


def count_range(low: float, high: float) -> str:
    """Two whole counts, such as councils: 'between 47 and 127'; equal ends collapse to one."""
    first, last = exact(round(low)), exact(round(high))
    return f"about {first}" if first == last else f"between {first} and {last}"


def share(value: float) -> str:
    """A proportion as a whole percentage; the ends keep their meaning ('under 1%', 'over 99%')."""
    if 0 < value < 0.01:
        return "under 1%"
    if 0.99 < value < 1:
        return "over 99%"
    return f"{value:,.0%}"


def percent(value: float) -> str:
    """One quantity as a percentage of another: 116%, 1,200%."""
    return f"{value:,.0%}"


def month(value: np.datetime64 | str) -> str:
    """A month: 'March 2028'."""
    day = np.datetime64(value, "M").astype(object)
    return f"{day:%B %Y}"


def day(value: np.datetime64 | str) -> str:
    """A date: '31 December 2025'."""
    date = np.datetime64(value, "D").astype(object)
    return f"{date.day} {date:%B %Y}"


def listed(items: Sequence[str]) -> str:
    """Words as a list: 'a, b and c'."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def plain(name: str) -> str:
    """A column's or a line's name as words: 'legal_advice' reads 'legal advice', 'esol' reads 'ESOL'."""
    words = name.replace("_", " ").split()
    return " ".join(w.upper() if w in ("esol", "eal", "gp", "ngo", "nhs") else w for w in words)


def the(region: str) -> str:
    """A region's name inside a sentence: 'the North West', but 'London' and 'Scotland'."""
    named_by_compass = region.startswith(("North ", "South ", "East ", "West "))
    return f"the {region}" if named_by_compass else region


def sentence(text: str) -> str:
    """Capital first letter and one full stop, the rest as it is."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
