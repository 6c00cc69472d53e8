"""The numbers, and the strict door to them.

Example:
    >>> import params
    >>> central = params.load("central", {"funding.grant_per_person": 1500})
    >>> sorted(central.overridden)
    ['funding.grant_per_person']
"""

from params.assumptions import Assumptions, load, scenario_names
from params.councils import Council, council
from params.errors import InputError
from params.tables import reference, reference_record

__all__ = ["Assumptions", "Council", "InputError", "council", "load", "reference", "reference_record", "scenario_names"]
