"""Which council or region a person means: by code or name, in the spellings that official tables use."""

from __future__ import annotations

import re
from functools import lru_cache

from params.errors import InputError, nearest
from params.tables import reference

# Spellings that no rule of writing covers; the rest differ in capitals, "&" for "and", "the" and punctuation.
_SHORT = {"east": "east of england", "ni": "northern ireland", "yorkshire": "yorkshire and humber"}


def plain_name(text: str) -> str:
    """A place's name with capitals, punctuation, "the" and "&" levelled out, so that two spellings meet."""
    words = re.sub(r"[^\w ]", " ", text.casefold().replace("&", " and ").replace("'", "").replace("’", "")).split()
    return " ".join(word for word in words if word != "the")


@lru_cache
def _councils() -> tuple[dict[str, str], dict[str, str]]:
    table = reference("councils")
    return (
        dict(zip(table["lad_code"], table["name"], strict=True)),
        {plain_name(name): code for name, code in zip(table["name"], table["lad_code"], strict=True)},
    )


@lru_cache
def regions() -> tuple[str, ...]:
    """The twelve regions and nations, as `params/reference/councils.csv` spells them."""
    return tuple(sorted(reference("councils")["region"].unique()))


def council_name(code: str) -> str:
    """Name of a council by its code."""
    return _councils()[0][code]


def find_council(text: str, place: str = "council") -> str:
    """The code of a council given by code or by exact name, capitals and punctuation aside.

    Args:
        text: what was given.
        place: the option or the file and line it came from.

    Raises:
        InputError: no such council; names the nearest code and name.
    """
    codes, names = _councils()
    wanted = text.strip()
    code = wanted.upper() if wanted.upper() in codes else names.get(plain_name(wanted))
    if code is not None:
        return code
    guess = nearest(wanted, [*codes, *codes.values()])
    if guess is None:
        hint = "Codes and names are in params/reference/councils.csv."
    elif guess in codes:
        hint = f"Nearest: {guess} ({codes[guess]})."
    else:
        hint = f"Nearest: {guess} ({names[plain_name(guess)]})."
    raise InputError(f"{place}: {text!r} is not the code or name of a council. {hint}")


def find_region(text: str, place: str = "region") -> str:
    """A region or nation as the reference tables spell it, from any of its usual spellings.

    Args:
        text: such as "Yorkshire and the Humber", "Yorkshire & Humber" or "East".
        place: the option or the file and line it came from.

    Raises:
        InputError: no such region; names the nearest.
    """
    wanted = plain_name(text)
    found = {plain_name(name): name for name in regions()}.get(_SHORT.get(wanted, wanted))
    if found is not None:
        return found
    guess = nearest(text, regions())
    hint = f"Nearest: {guess}." if guess else f"Valid: {', '.join(regions())}."
    raise InputError(f"{place}: {text!r} is not a region. {hint}")
