"""What happens to people seeking asylum, councils, providers and budgets: an agent-based model in months.

Example:
    >>> import sim
    >>> sim.PHASES[:3]
    ('policy', 'arrive', 'decide')
"""

from sim import sources  # noqa: F401  (first: it says when machine code that numba keeps still holds)

# isort: split
from sim.model import PHASES
from sim.rules import Rules, RuleWarning
from sim.run import simulate
from sim.starts import published_start, start_days
from sim.trace import trace

__all__ = ["PHASES", "RuleWarning", "Rules", "published_start", "simulate", "start_days", "trace"]
