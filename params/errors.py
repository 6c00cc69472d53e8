"""Errors that a policy analyst can act on: what is wrong, where, and the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something a user supplied cannot be used; the message names the place and the nearest valid name."""


def nearest(name: str, options: Iterable[str]) -> str | None:
    """Return the option that reads most like `name`, or None when nothing is close."""
    names = list(options)
    lowered = {option.lower(): option for option in names}
    close = difflib.get_close_matches(name.lower(), lowered, n=1, cutoff=0.4)
    if close:
        return lowered[close[0]]
    # A name given without its group (`grant_per_person`) is close to the dotted name that ends with it.
    tails = difflib.get_close_matches(name.lower().rsplit(".", 1)[-1], [o.rsplit(".", 1)[-1] for o in lowered], n=1)
    if tails:
        return next(lowered[o] for o in lowered if o.rsplit(".", 1)[-1] == tails[0])
    return None


def unknown(place: object, what: str, name: str, options: Iterable[str]) -> InputError:
    """Build the error for a name that does not exist.

    Args:
        place: the file or option the name came from.
        what: what the name should have been, with its article ("an assumption", "a scenario").
        name: the name as given.
        options: every valid name.
    """
    names = sorted(options)
    guess = nearest(name, names)
    hint = f"Nearest: {guess}." if guess else f"Valid: {', '.join(names[:8])}{', ...' if len(names) > 8 else ''}."
    return InputError(f"{place}: {name} is not {what}. {hint}")
