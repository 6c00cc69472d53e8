"""Which council a row of a release means, whatever code, spelling or former name it was published under."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from params.errors import nearest

UNALLOCATED = "UNALLOCATED"
_CODE = re.compile(r"[EWSN]\d{8}")
_NOWHERE = re.compile(
    r"n/?a\b.*|unknown.*|not (?:allocated|known|stated|available|applicable).*|unallocated.*|other", re.IGNORECASE
)
# Words that one publication writes and another leaves out.
_FILLER = re.compile(r"\b(?:the|of|city|county|council|borough|london|royal|metropolitan|district|unitary|authority)\b")
# Spellings that no filler word explains.
_ALSO = {
    "comhairle nan eilean siar": "Na h-Eileanan Siar",
    "western isles": "Na h-Eileanan Siar",
    "eilean siar": "Na h-Eileanan Siar",
    "shepway": "Folkestone and Hythe",
    "rhondda cynon taff": "Rhondda Cynon Taf",
    "armagh banbridge and craigavon": "Armagh City, Banbridge and Craigavon",
    "north down and ards": "Ards and North Down",
    "strabane and derry": "Derry City and Strabane",
    "derry and strabane": "Derry City and Strabane",
    "bournemouth poole and christchurch": "Bournemouth, Christchurch and Poole",
    "hull": "Kingston upon Hull, City of",
}


@dataclass
class Findings:
    """What had to be put right, as counts for the report."""

    corrected: Counter[str] = field(default_factory=Counter)  # wrong code, right name: rows by quarter end
    succeeded: Counter[str] = field(default_factory=Counter)  # former council or code: rows by former code
    late: Counter[str] = field(default_factory=Counter)  # former code used after its council had ended
    by_name: int = 0  # rows whose code is missing or no council's, placed by their name
    regions: dict[str, set[str]] = field(default_factory=dict)  # spellings found, by region
    moved: Counter[str] = field(default_factory=Counter)  # rows that name another region than the council's


class Gazetteer:
    """Councils by code and by name, present and former."""

    def __init__(self) -> None:
        from params.tables import reference

        councils, former = (reference(name).astype(str) for name in ("councils", "council_codes"))
        self.name_of = dict(zip(councils["lad_code"], councils["name"], strict=True))
        self.region_of = dict(zip(councils["lad_code"], councils["region"], strict=True))
        self.successor = dict(zip(former["former_code"], former["lad_code"], strict=True))
        ended = zip(former["former_code"], former["succeeded_on"], strict=True)
        self.ended = {code: day for code, day in ended if isinstance(day, str) and day[:2] == "20"}
        names = zip(former["former_name"], former["lad_code"], strict=True)
        self._former_names = {name: code for name, code in names if name}

    @cached_property
    def names(self) -> dict[str, str]:
        """Code of the present council by folded name, present names before former ones."""
        found = {fold(name): code for name, code in self._former_names.items()}
        found |= {fold(name): code for code, name in self.name_of.items()}
        return found | {fold(other): found[fold(name)] for other, name in _ALSO.items() if fold(name) in found}

    @cached_property
    def regions(self) -> dict[str, str]:
        """Region by folded name."""
        return {fold_region(name): name for name in self.region_of.values()}

    def code_of(self, code: str) -> str | None:
        """The present council of a code, present or former; None when it is no council's."""
        return code if code in self.name_of else self.successor.get(code)

    def resolve(self, code: str, name: str, quarter: str, findings: Findings) -> tuple[str, bool]:
        """Return the present council of a row and whether its published code was wrong.

        A name and a code that contradict each other go by the name: at December 2022 the names were right and 46
        codes wrong. Rows that name no council are UNALLOCATED.

        Raises:
            ValueError: neither code nor name is known; the message names the nearest.
        """
        code = code.upper().replace(" ", "")
        by_code = self.code_of(code)
        by_name = self.names.get(fold(name)) if name else None
        if by_code is None and by_name is None:
            if (not name or _NOWHERE.fullmatch(name)) and not _CODE.fullmatch(code):
                return UNALLOCATED, False
            near = nearest(name or code, self.name_of.values() if name else self.name_of)
            raise ValueError(
                f"{name or 'a row without a name'} ({code or 'no code'}) is no council."
                + (f" Nearest: {near}." if near else "")
            )
        if by_name and by_code and by_name != by_code:
            findings.corrected[quarter] += 1
            return by_name, True
        if by_code is None:
            findings.by_name += 1
        elif code in self.successor:
            findings.succeeded[code] += 1
            if code in self.ended and quarter >= self.ended[code]:
                findings.late[code] += 1
        return str(by_code or by_name), False

    def note_region(self, region: str, council: str, findings: Findings) -> None:
        """Count spellings of a region and rows that put a council in another region than its own."""
        known = self.regions.get(fold_region(region))
        if known is None:
            return
        findings.regions.setdefault(known, set()).add(region)
        if council != UNALLOCATED and self.region_of[council] != known:
            findings.moved[council] += 1


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A council's name without case, punctuation and filler words."""
    text = name.lower().replace("&", " and ").replace("'", "").replace("’", "")
    text = re.sub(r"[^a-z0-9]+", " ", text.replace("st.", "st"))
    return " ".join(_FILLER.sub(" ", text).split()) or " ".join(text.split())


@lru_cache(maxsize=256)
def fold_region(name: str) -> str:
    """A region's name without case, punctuation and `the`."""
    text = re.sub(r"[^a-z]+", " ", name.lower().replace("&", " and "))
    return " ".join(word for word in text.split() if word not in ("the", "england") or text.split() == ["england"])
