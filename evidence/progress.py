"""What a person sees while an ensemble runs: a bar with time left in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol


class Progress(Protocol):
    """Told by the engine what happens, in replications."""

    def say(self, text: str) -> None:
        """Show one line."""

    def begin(self, done: int, total: int) -> None:
        """Start counting; `done` were finished earlier."""

    def update(self, done: int, failed: int) -> None:
        """Show how far it is."""

    def end(self) -> None:
        """Stop showing, so that the next line printed stands alone."""


class Silent:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """Drop the line."""

    def begin(self, done: int, total: int) -> None:
        """Do nothing."""

    def update(self, done: int, failed: int) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


class Lines:
    """One plain line on standard error at the start, at each tenth and at the end."""

    def __init__(self) -> None:
        self._done = self._total = self._shown = 0
        self._started = time.monotonic()
        self._first = 0

    def say(self, text: str) -> None:
        """Print the line."""
        print(text, file=sys.stderr, flush=True)

    def begin(self, done: int, total: int) -> None:
        """Start the clock."""
        self._first, self._total, self._started = done, total, time.monotonic()
        self._shown = 10 * done // max(total, 1)

    def update(self, done: int, failed: int) -> None:
        """Print a line when another tenth is done."""
        tenth = 10 * done // max(self._total, 1)
        if tenth > self._shown:
            self._shown = tenth
            left = (time.monotonic() - self._started) / max(done - self._first, 1) * (self._total - done)
            self.say(
                f"  simulating {100 * done // self._total:>4}%  {done:,} of {self._total:,}   "
                f"{failed} failed   {clock(left)} left"
            )

    def end(self) -> None:
        """Nothing is held open."""


class Cell:
    """One line under a notebook's cell, renewed in place: what is done, what failed, and the time left.

    It is text with a progress element, so that it shows in JupyterLab, in an executed notebook and on paper alike.
    Nothing appears for work that ends within a second.
    """

    _PATIENCE, _BETWEEN = 1.0, 0.5  # seconds before the first line, and between two

    def __init__(self) -> None:
        self._done = self._failed = self._total = self._first = 0
        self._started = self._shown = time.monotonic()
        self._line: Any = None

    def say(self, text: str) -> None:
        """Print the line."""
        print(text, flush=True)

    def begin(self, done: int, total: int) -> None:
        """Start the clock."""
        self._done = self._first = done
        self._total, self._failed, self._line = total, 0, None
        self._started = time.monotonic()
        self._shown = self._started + self._PATIENCE - self._BETWEEN

    def update(self, done: int, failed: int) -> None:
        """Renew the line, at most twice a second."""
        self._done, self._failed = done, failed
        if time.monotonic() - self._shown >= self._BETWEEN:
            self._shown = time.monotonic()
            spent = self._shown - self._started
            left = spent / max(done - self._first, 1) * (self._total - done)
            self._show(f"{clock(left)} left" if done > self._first else "")

    def end(self) -> None:
        """Leave the line with what was done and how long it took."""
        if self._line is not None:
            spent = clock(time.monotonic() - self._started)
            self._show(f"in {spent}" if self._done == self._total else f"stopped after {spent}")

    def _show(self, when: str) -> None:
        from IPython.display import DisplayHandle

        done = f"{self._done:,} of {self._total:,} simulations"
        failed = f", {self._failed} failed" if self._failed else ""
        text = f"{done}{failed}{', ' if when else ''}{when}"
        mark = f'<progress value="{self._done}" max="{self._total}" aria-label="simulations done"></progress>'
        content = {"text/plain": text, "text/html": f"<p>{mark} {text}</p>"}
        if self._line is None:
            self._line = DisplayHandle()  # kept before it is shown: an interrupt may come in between
            self._line.display(content, raw=True)
        else:
            self._line.update(content, raw=True)


class Bar:
    """A rich progress bar on standard error."""

    def __init__(self) -> None:
        from rich import progress
        from rich.console import Console

        self._bar = progress.Progress(
            progress.TextColumn("  {task.description}"),
            progress.BarColumn(24),
            progress.TaskProgressColumn(),
            progress.TextColumn("{task.completed:,.0f} of {task.total:,.0f}   {task.fields[failed]} failed  "),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("left"),
            console=Console(stderr=True),
        )
        self._task: progress.TaskID | None = None

    def say(self, text: str) -> None:
        """Print the line above the bar."""
        self._bar.console.print(text, markup=False, highlight=False)

    def begin(self, done: int, total: int) -> None:
        """Draw the bar."""
        self._task = self._bar.add_task("simulating", total=total, completed=done, failed=0)
        self._bar.start()

    def update(self, done: int, failed: int) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bar.update(self._task, completed=done, failed=failed)

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


def watched() -> Progress:
    """A line under the cell in a notebook, a bar when a person watches standard error, else lines."""
    if _in_notebook():
        return Cell()
    return Bar() if sys.stderr.isatty() else Lines()


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    if "ipykernel" not in sys.modules:
        return False
    from IPython import get_ipython

    return type(get_ipython()).__name__ == "ZMQInteractiveShell"


def clock(seconds: float) -> str:
    """Seconds as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
