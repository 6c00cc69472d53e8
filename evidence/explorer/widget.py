"""The explorer as ipywidgets: levers on one side, answers on the other, the same in JupyterLab and as a page."""

from __future__ import annotations

import asyncio
import html
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ipywidgets as widgets

import params
from evidence.exhibits import MODELLED
from evidence.explorer import findings, handover, showing
from evidence.explorer.ensemble import BATCH, DESIGN, Ensemble, Look, checked
from evidence.explorer.findings import Found
from evidence.explorer.levers import FROM, LEVERS, Lever, Position, today
from evidence.records import runs_folder
from params import InputError
from params.register import ROOT

ASSETS = Path(__file__).with_name("assets")
ALL = "All regions"


class Explorer:
    """What `evidence.explore()` returns; it shows itself in a notebook.

    Attributes:
        widget: the whole, an ipywidgets box.
        found: what is shown at this moment, or None before the first look.
    """

    def __init__(self, ensemble: Callable[..., Ensemble], root: Path) -> None:
        self._root = root
        self.found: Found | None = None
        self._position = Position.of()
        self._latest: Look | None = None
        self._settled = threading.Event()
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:  # outside a notebook there is no loop to hand pictures to
            self._loop = None
        self._build()
        self._ensemble = ensemble(
            look=self._looked,
            say=lambda text: self._later(self._say, text),
            fail=lambda why: self._later(self._failed, why),
        )
        self._describe()
        self._say("Getting the model ready: the first simulations take some seconds longer")
        self._ensemble.move(self._position)

    def move(self, **levers: Any) -> None:
        """Move levers from code as a person would; the others stay where they are.

        Raises:
            InputError: a lever that does not exist, or a value outside its range.
        """
        Position.of(**levers)
        for name, value in levers.items():
            self.controls[name].value = value

    def wait(self, seconds: float) -> bool:
        """Wait until every simulation of the present position is in; whether it is. Not from a notebook's own cell."""
        return self._settled.wait(seconds)

    def close(self) -> None:
        """Stop simulating and take the explorer off the page."""
        self._ensemble.close()
        self.widget.close()

    def _ipython_display_(self) -> None:
        from IPython.display import HTML, display

        display(HTML(f"<script>{(ASSETS / 'explorer.js').read_text(encoding='utf-8')}</script>"))
        display(self.widget)

    # ------------------------------------------------------------------ building

    def _build(self) -> None:
        self.controls: dict[str, widgets.Widget] = {lever.name: _control(lever) for lever in LEVERS}
        for control in self.controls.values():
            control.observe(lambda _: self._moved(), "value")
        back = widgets.Button(description="Back to present policy")
        back.on_click(lambda _: self._back())
        self.region = widgets.Dropdown(options=[ALL, *_regions()], description="Region of the table")
        self.region.add_class("dx-lever")
        self.region.observe(lambda _: self._show_councils(), "value")
        self.name = widgets.Text(value="my_scenario", description="Name for the files", continuous_update=False)
        self.name.add_class("dx-lever")
        save, study = (widgets.Button(description=text) for text in ("Save as a scenario", "Save as a full study"))
        save.on_click(lambda _: self._save(self._scenario))
        study.on_click(lambda _: self._save(self._study))
        names = ("status", "said", "people", "chart", "money", "ledgers", "map", "councils", "changed", "copy", "saved")
        self.parts = {name: widgets.HTML() for name in names}
        for name, part in self.parts.items():
            part.add_class(f"dx-{name}")
        for name in ("people", "money", "changed"):
            self.parts[name].add_class("dx-wide")
        for name in ("chart", "ledgers"):
            self.parts[name].add_class("dx-chart")
        self.parts["councils"].add_class("dx-scroll")
        self.parts["councils"].tabbable = True
        css = (ASSETS / "explorer.css").read_text(encoding="utf-8")
        head = widgets.HTML(
            f"<style>{css}</style><h2>What would change if policy did</h2><p>Move a lever. A quick look at a "
            f"few paired simulations comes first, then more come in by themselves. Policy levers hold from {FROM.day} "
            f"{FROM:%B %Y}, intake from the start. Every figure is a {MODELLED}, not an official statistic, and has "
            f"an 80% interval over the assumptions, intake and chance.</p>"
        )
        levers = widgets.VBox([widgets.HTML("<h3>Levers</h3>"), *self.controls.values(), back])
        levers.add_class("dx-levers")
        p = self.parts
        mapped, ledgers = widgets.Box([p["map"], widgets.VBox([self.region, p["councils"]])]), p["ledgers"]
        mapped.add_class("dx-pair")
        answers = widgets.VBox([p["status"], p["said"], p["people"], p["chart"], p["money"], ledgers])
        answers.add_class("dx-answers")
        columns = widgets.Box([levers, answers])
        columns.add_class("dx-columns")
        hand_over = widgets.VBox([p["changed"], p["copy"], self.name, widgets.HBox([save, study]), p["saved"]])
        self.widget = widgets.VBox([head, columns, _heading("Councils"), mapped, hand_over])
        self.widget.add_class("dispersal-explorer")

    # ------------------------------------------------------------------ what a person does

    def _moved(self) -> None:
        position = Position.of(**{name: control.value for name, control in self.controls.items()})
        if position == self._position:
            return
        self._position = position
        self._settled.clear()
        self._describe()
        self._say(f"Simulating: {position.label()}")
        self._ensemble.move(position)

    def _back(self) -> None:
        for name, control in self.controls.items():
            control.value = today()[name]

    def _save(self, how: Callable[[], str]) -> None:
        try:
            self.parts["saved"].value = f'<p role="status">{how()}</p>'
        except InputError as error:
            self.parts["saved"].value = f'<p role="alert" class="dx-error">{html.escape(str(error))}</p>'

    def _scenario(self) -> str:
        path = handover.save_scenario(self._position, self.name.value, self._root)
        return f"Saved {html.escape(path.name)} in params/scenarios. Use it: <code>dispersal run {path.stem}</code>"

    def _study(self) -> str:
        path, command = handover.save_study(self._position, self._ensemble.design, self.name.value, self._root)
        return (
            f"Saved {html.escape(path.name)} in params/studies: {handover.DRAWS} draws of {handover.REPLICATIONS} "
            f"replications. Run it: <code>{html.escape(command)}</code>"
        )

    # ------------------------------------------------------------------ what the ensemble tells

    def _later(self, do: Callable[..., None], *given: Any) -> None:
        """Do something in the notebook's own thread: widgets and pictures are not made to be touched from two."""
        if self._loop is None:
            do(*given)
        else:
            self._loop.call_soon_threadsafe(do, *given)

    def _looked(self, look: Look) -> None:
        self._latest = look
        self._later(self._show_latest)

    def _show_latest(self) -> None:
        look, self._latest = self._latest, None
        if look is None or look.position != self._position:  # overtaken by a later look or a move
            return
        self.found = findings.found(look)
        self._show(self.found)
        if look.whole:
            self._settled.set()

    def _failed(self, why: str) -> None:
        self._say(f"Not simulated, and the figures below are of the position before. {why}")

    def _say(self, text: str) -> None:
        self.parts["status"].value = f"<p>{html.escape(text)}</p>"

    # ------------------------------------------------------------------ showing

    def _show(self, made: Found) -> None:
        # The status is what a screen reader announces: how far, and the first finding.
        state = "All simulations are in" if made.look.whole else "Refining"
        if made.look.simulations <= BATCH and not made.look.whole:
            state = "First look, ranges are rough"
        self._say(f"{state}: {showing.how_far(made)}. {findings.words(made)[0]}")
        self._show_councils()
        # Numbers come first; drawing takes longer than all of them.
        shown = {
            "said": showing.said, "people": showing.people, "money": showing.money_table, "map": showing.council_map,
            "chart": showing.chart, "ledgers": showing.ledgers,
        }  # fmt: skip
        for name, make in shown.items():
            self.parts[name].value = make(made)

    def _show_councils(self) -> None:
        if self.found is not None:
            region = "" if self.region.value == ALL else self.region.value
            self.parts["councils"].value = showing.councils(self.found, region)

    def _describe(self) -> None:
        """What changed and why, and the scenario to copy; both follow the levers and not the simulations."""
        moved = self._position.moved()
        for name, control in self.controls.items():
            (control.add_class if name in moved else control.remove_class)("dx-moved")
        self.parts["changed"].value = showing.changed(self._position)
        self.parts["copy"].value = showing.further(self._position, self._ensemble.design)
        self.parts["saved"].value = ""


def _control(lever: Lever) -> widgets.Widget:
    value = today()[lever.name]
    control: widgets.Widget
    if lever.choices is not None:
        control = widgets.Dropdown(
            options=[(text, choice) for choice, text in lever.choices.items()], value=value, description=lever.label
        )
    else:
        control = widgets.BoundedIntText(
            value=value, min=lever.low, max=lever.high, step=lever.step, description=lever.label
        )
    control.add_class("dx-lever")
    control.add_class(f"dx-lever-{lever.name}")
    return control


def _regions() -> list[str]:
    return sorted(params.reference("councils")["region"].unique())


def _heading(text: str) -> widgets.HTML:
    return widgets.HTML(f"<h3>{text}</h3>")


def explore(
    *,
    draws: int = DESIGN.draws,
    replications: int = DESIGN.replications,
    months: int = DESIGN.months,
    runs: str | Path | None = None,
    root: Path = ROOT,
) -> Explorer:
    """Open the explorer in a notebook: levers, paired simulations that refine while you watch, charts with intervals.

    Args:
        draws: sets of the uncertain assumptions; the first holds the central values.
        replications: random seeds for each draw. An odd number spreads the intake of the first simulations evenly.
        months: months simulated from December 2025; a financial year after April 2027 must be among them.
        runs: folder of all runs, where intake forecasts are kept; `$DISPERSAL_RUNS`, else `runs/`, when None.
        root: folder whose `scenarios/` and `studies/` it saves to.

    Returns:
        The explorer, which shows itself as the last line of a cell; `explorer.found` holds the tables it shows.

    Raises:
        InputError: a number that cannot be used.

    Example:
        >>> import evidence
        >>> evidence.explore(draws=0)
        Traceback (most recent call last):
        params.errors.InputError: ...draws...
    """
    design = checked(draws, replications, months)
    folder = runs_folder(runs)
    return Explorer(lambda **told: Ensemble(folder, design=design, **told), root)
