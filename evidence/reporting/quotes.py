"""A quotation, made comparable: spaces, quotation marks, pounds, separators and units written in one way."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from evidence.wording import MINUS, significant
from params.errors import InputError

_UNITS = (
    (r"(?<=\d) ?(?:million|mn|m)\b", "m"),
    (r"(?<=\d) ?(?:billion|bn|b)\b", "bn"),
    (r"(?<=\d) ?(?:thousand|k)\b", "k"),
    (r"(?<=\d) ?(?:per cent|percent|%)", "%"),
)
_SCALES = {"": 1.0, "k": 1e3, "m": 1e6, "bn": 1e9, "%": 0.01}
_AMOUNT = re.compile(r"(-?)£?(-?)(\d+(?:\.\d+)?)(k|m|bn|%)?")
_LEAST_TEXT = 2


def plain(text: str) -> str:
    """Text in one way of writing: small letters, straight quotes, one space, no thousands separators, short units."""
    text = unicodedata.normalize("NFKC", text).replace(MINUS, "-").casefold()
    text = re.sub("[‘’‚‛′`]", "'", re.sub("[“”„‟″«»]", '"', text))
    text = re.sub("[‐‑‒–—]", "-", text).replace("gbp ", "£").replace("gbp", "£")
    text = re.sub(r"£\s+", "£", re.sub(r"(?<=\d),(?=\d{3}\b)", "", text))
    text = " ".join(text.split())
    for pattern, short in _UNITS:
        text = re.sub(pattern, short, text)
    return text


@dataclass(frozen=True)
class Quote:
    """What is looked for.

    Attributes:
        text: the quotation in one way of writing.
        amount: its value when it is one amount, else None.
        figures: significant figures that the amount was quoted with.
    """

    text: str
    amount: float | None
    figures: int

    @classmethod
    def of(cls, given: str) -> Quote:
        """Read a quotation.

        Raises:
            InputError: when there is nothing in it to look for.
        """
        text = plain(given).strip("\"' ").rstrip(".…").strip()
        if len(text) < _LEAST_TEXT:
            raise InputError(f"find {given!r}: too short to look for; quote a figure with its unit, or some words.")
        found = _AMOUNT.fullmatch(text)
        if not found:
            return cls(text, None, 0)
        digits = found[3].replace(".", "").lstrip("0")
        whole = digits.rstrip("0") if "." not in found[3] else digits
        sign = -1 if found[1] or found[2] else 1
        return cls(text, sign * float(found[3]) * _SCALES[found[4] or ""], max(1, len(whole)))

    def in_text(self, text: str) -> bool:
        """Whether a sentence or cell carries it; a number is never found inside a longer one."""
        said = plain(text)
        start = said.find(self.text)
        while start >= 0:
            end = start + len(self.text)
            if not _joined(said[:start], self.text) and not _joined_after(self.text, said[end:]):
                return True
            start = said.find(self.text, start + 1)
        return False

    def in_number(self, cell: str) -> bool:
        """Whether a cell of data is the amount, or rounds to it at the figures it was quoted with."""
        try:
            value = float(cell)
        except ValueError:
            return self.amount is None and self.in_text(cell)
        if self.amount is None:
            return False
        # "£300m" may stand for three figures that end in noughts; a small whole number only for itself.
        figures = max(self.figures, 3)
        return value == self.amount or (abs(self.amount) >= 1000 and significant(value, figures) == self.amount)


def _joined(before: str, text: str) -> bool:
    """Whether what comes before belongs to the same word or number."""
    if not before or not text[0].isalnum():
        return False
    return before[-1].isalnum() or (text[0].isdigit() and bool(re.search(r"\d\.$", before)))


def _joined_after(text: str, after: str) -> bool:
    """Whether what follows belongs to the same word or number."""
    return bool(after) and text[-1].isalnum() and (after[0].isalnum() or bool(re.match(r"\.\d|%", after)))
