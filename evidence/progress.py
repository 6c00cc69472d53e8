"""What a person sees while an ensemble runs: a bar with time left in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Protocol


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
    """A bar when a person watches standard error, else lines."""
    return Bar() if sys.stderr.isatty() else Lines()


def clock(seconds: float) -> str:
    """Seconds as minutes:seconds, or hours:minutes:seconds."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
