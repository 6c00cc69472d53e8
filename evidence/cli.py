"""The command line. Only cyclopts is imported at the top, so that `--help` answers at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Parameter

from evidence.chapters import money_commands
from evidence.exchange import data
from evidence.forecast import forecast_archive, forecasting
from evidence.partners import partnership

REPOSITORY = Path(__file__).resolve().parent.parent
FEWEST_FOR_A_RANGE = 5  # replications: with fewer an 80% interval is narrower than it says

app = App(
    name="dispersal",
    help="Evidence on asylum dispersal: forecasts, simulations and reports, from the project's own numbers.",
    help_epilogue="""Examples:
  dispersal check
  dispersal run central --replications 8 --set funding.grant_per_person=1200
  dispersal study params/studies/spending_review.toml
  dispersal report params/studies/spending_review.toml

Results go to runs/, each under its id. A command that cannot use what it was given says so in one line and
ends with 2; a run that failed ends with 1.""",
    help_format="plaintext",
    version=lambda: _version(),
    result_action="return_value",
    suppress_keyboard_interrupt=False,  # Ctrl-C says how to resume, in _code
)
Runs = Annotated[
    Path | None,
    Parameter(
        name="--runs",
        env_var="DISPERSAL_RUNS",
        help="Folder of all runs; runs/ of this repository when not given.",
    ),
]


@app.command(
    help_epilogue="""Examples:
  dispersal check
  dispersal check --list funding"""
)
def check(*, list_: Annotated[str | None, Parameter(name="--list")] = None) -> None:
    """Validate params/ and the reference tables, and list what was read.

    Args:
        list_: Show the assumptions of one group with value, unit, range and source; "instruments"; or "all".
    """
    from evidence import checks

    print("\n".join(checks.assumptions_of(list_) if list_ is not None else checks.everything()))


forecasting.mount(app)
forecast_archive.mount(forecasting.forecast_app, app)
partnership.mount(app)
data.mount(app)
money_commands.mount(app)


@app.command(
    help_epilogue="""Examples:
  dispersal run central
  dispersal run central --replications 8 --set funding.grant_per_person=1200
  dispersal run central --set funding.grant_per_person@2027-04-01=1500 --months 36
  dispersal run sobol-1a2b3c4d --arm base --draw 12 --only 0"""
)
def run(
    scenario: str,
    /,
    *,
    arm: str | None = None,
    replications: int = 8,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    seed: int = 1,
    months: int = 51,
    start: str = "2025-12-31",
    draw: int = 0,
    draws: int = 1,
    only: int | None = None,
    runs: Runs = None,
) -> None:
    """Simulate one scenario, keep every month in runs/<run-id>/, and print the headline figures.

    Args:
        scenario: Name of a file in params/scenarios, without .toml; with --arm the id of a study in runs/.
        arm: Repeat this arm of a study, with its --draw and --only; the study's numbers hold for all else.
        replications: Random seeds.
        set_: An assumption as NAME=VALUE, or NAME@DATE=VALUE from a date on; may be repeated.
        seed: Seed that every replication's own seed comes from.
        months: Months simulated after the start.
        start: A quarter end with published accommodation by council.
        draw: Draw of the uncertain assumptions; 0 holds the central values.
        draws: Number of draws that --draw is one of.
        only: Run this replication alone, counted from 0, to repeat one of many.
    """
    from evidence.progress import watched
    from evidence.records import read_record
    from evidence.studies.ensemble import Design
    from evidence.studies.runs import open_run, run_point, run_scenario, summary

    overrides = _overrides(set_)
    root = _runs(runs)
    if arm is not None:
        identity = run_point(scenario, arm, draw, only, root, watched())
        replications = read_record(root / identity).settings["replications"]
    else:
        design = Design(draws, replications, seed, _date("--start", start), months)
        identity = run_scenario(scenario, overrides, design, draw=draw, only=only, runs=root, progress=watched())
    for line in _table(summary(open_run(identity, root)), ranges=replications >= FEWEST_FOR_A_RANGE and only is None):
        print(line)
    print(f"{_shown(root / identity)}   next: dispersal show {identity}")


@app.command(
    help_epilogue="""Examples:
  dispersal study params/studies/spending_review.toml
  dispersal study params/studies/spending_review.toml --workers 1
  dispersal study params/studies/sweep.toml --extend 100
  dispersal study params/studies/sweep.toml --scheduler local --workers 16
  dispersal study params/studies/sobol.toml --scheduler tcp://10.0.0.1:8786
  dispersal study params/studies/sweep.toml --scheduler slurm --workers 8
  dispersal study --resume sweep-7f3a1b2c

The same command resumes a study that was stopped, and returns at once for one that is complete. --resume takes the
study's id and refuses, saying why, when code, assumptions or tables have changed since; without it such a study is
begun anew under another id. A cluster's machines need the same code and packages, and share the disk of runs/; Dask
trusts its network unless it uses TLS (params/clusters/README.md)."""
)
def study(
    file: Path | None = None,
    /,
    *,
    workers: int | None = None,
    scheduler: str | None = None,
    resume: str | None = None,
    extend: int | None = None,
    timeout: float = 600.0,
    runs: Runs = None,
) -> None:
    """Run a study (arms x draws x replications) into runs/<study-id>/, resume it, or extend it.

    Args:
        file: The study's TOML file.
        workers: Threads (or local processes), every core when not given; or jobs of Slurm, pods of Kubernetes. The
            numbers do not depend on it.
        scheduler: A Dask cluster instead of threads: local, for processes of this machine (better from about four
            cores on); the address of a scheduler; ssh, slurm or kubernetes, as their files in params/clusters say; or
            a cluster's own file.
        resume: Id of a study to finish.
        extend: Take the study, with all that it has, to this many base points (of a Sobol design) or replications.
        timeout: Seconds that one replication may take before it counts as hung and is named.
    """
    import signal

    from evidence.progress import watched
    from evidence.records import read_record
    from evidence.studies.engine import resume_study, run_plan
    from evidence.studies.files import MORRIS, SOBOL, Size, compares_arms
    from evidence.studies.plans import plan
    from params.errors import InputError

    if (file is None) == (resume is None) or (resume is not None and extend is not None):
        raise InputError("dispersal study: takes a study's file (with or without --extend), or --resume with its id.")
    # A shell that starts this in the background makes Ctrl-C ignored; a study can always be stopped.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = _runs(runs)
    if resume is not None:
        study_id = resume_study(resume, root, workers, watched(), scheduler, timeout)
    else:
        assert file is not None
        study_id = run_plan(plan(file, Size(extend=extend)), root, workers, watched(), scheduler, timeout)
    settings = read_record(root / study_id).settings
    sampled = (settings.get("sample") or {}).get("design") in (SOBOL, MORRIS)
    then = "report" if compares_arms(settings) else "indices" if sampled else "show"
    print(f"{_shown(root / study_id)}   next: dispersal {then} {study_id}")


@app.command(
    help_epilogue="""Examples:
  dispersal report spending-review-7f3a1b2c
  dispersal report params/studies/spending_review.toml
  dispersal report params/studies/spending_review.toml --unit-costs our_costs.csv
  dispersal report params/studies/spending_review.toml --cite --signoff signoff.toml

A sign-off record is TOML with version = "1.0", date = 2026-11-22 and the tables [commissioner], [analyst],
[assurer] and [approver], each with role = "Head of finance" (a post, never a person) and date = 2026-11-20."""
)
def report(
    study: str,
    /,
    *,
    cite: Annotated[bool, Parameter(negative="")] = False,
    signoff: Path | None = None,
    unit_costs: Path | None = None,
    runs: Runs = None,
) -> None:
    """Execute the notebooks on a complete study and build the report's folder; prints the path of report.html.

    Args:
        study: The id of a study, or the file of one that has been run.
        cite: Make an edition to be cited: refuses uncommitted code, and supersedes the study file's last edition.
        signoff: TOML file that says which roles answered for this edition; it travels with the report.
        unit_costs: Councils' own unit costs, a filled template of `dispersal unit-costs template`.
    """
    from evidence.studies.engine import resolve

    root = _runs(runs)
    study_id = resolve(study, root)

    from evidence.reporting.report import Asked, build
    from evidence.reporting.signoff import read_signoff

    asked = Asked(unit_costs=unit_costs, signoff=read_signoff(signoff) if signoff is not None else None, cite=cite)
    page = build(study_id, root, asked, say=lambda line: print(line, file=sys.stderr, flush=True))
    print(_shown(page))


@app.command(
    help_epilogue="""Examples:
  dispersal feedbacks
  dispersal feedbacks --draws 24 --replications 8

The same command resumes what was stopped, and prints at once what is complete."""
)
def feedbacks(
    *, draws: int | None = None, replications: int | None = None, workers: int | None = None, runs: Runs = None
) -> None:
    """Say what each feedback of the model is worth in beds, hotel nights and pounds, from paired runs without it.

    Args:
        draws: Draws of the uncertain assumptions; those of params/studies/feedbacks.toml when not given.
        replications: Random seeds for each draw; those of the study file when not given.
        workers: Threads; every core when not given. The numbers do not depend on it.
    """
    import signal

    from evidence.exhibits import open_pack
    from evidence.progress import watched
    from evidence.validation import feedbacks as worth

    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = _runs(runs)
    study_id = worth.run(root, draws, replications, workers, watched())
    print("\n".join(worth.lines(open_pack(study_id, str(root)))))
    print(_shown(root / study_id))


@app.command(
    help_epilogue="""Examples:
  dispersal indices sobol-1a2b3c4d
  dispersal indices sobol-1a2b3c4d --outcome hotel_beds_at_month_end"""
)
def indices(identity: Annotated[str, Parameter(name="STUDY")], /, *, outcome: str = "", runs: Runs = None) -> None:
    """Say which assumptions move a result, from a finished Sobol or Morris study, with 95% confidence intervals.

    Args:
        identity: The id of the study.
        outcome: A result of the study: flows are summed over the run, stocks taken at its end; the first stored when
            not given.
    """
    from evidence.studies.indices import lines

    print("\n".join(lines(identity, outcome, _runs(runs))))


@app.command(
    help_epilogue="""Examples:
  dispersal answers
  dispersal answers && dispersal report params/studies/spending_review.toml

What is finished is kept: the same command resumes after Ctrl-C and returns at once when all is made."""
)
def answers(*, workers: int | None = None, runs: Runs = None) -> None:
    """Run what the report's further answers need beside the main study: grant rates, notice, moves, barriers, drivers.

    Args:
        workers: Threads; every core when not given. The numbers do not depend on it.
    """
    import signal

    from evidence.answers import companions
    from evidence.progress import watched

    signal.signal(signal.SIGINT, signal.default_int_handler)
    root = _runs(runs)
    for made in companions.make(root, workers, watched()).values():
        print(_shown(root / made))
    print("next: dispersal report params/studies/spending_review.toml")


@app.command(
    help_epilogue="""Examples:
  dispersal explore
  dispersal explore --no-browser --port 9000

The page is open to this machine alone. In JupyterLab the same explorer is notebooks/explorer.ipynb."""
)
def explore(
    *, port: int = 0, browser: bool = True, draws: int = 8, replications: int = 5, months: int = 51, runs: Runs = None
) -> None:
    """Open the interactive explorer as a page: levers, paired simulations that refine while you watch; Ctrl-C ends it.

    Args:
        port: Port on the loopback address; the first free one from 8866 when not given.
        browser: Open the page in a browser.
        draws: Draws of the uncertain assumptions.
        replications: Random seeds for each draw; an odd number spreads the intake of the first simulations evenly.
        months: Months simulated from December 2025, at least 27.
    """
    import signal

    from evidence.explorer.page import serve

    signal.signal(signal.SIGINT, signal.default_int_handler)
    serve(_runs(runs), port, browser, draws, replications, months)


@app.command(
    help_epilogue="""Examples:
  dispersal cite E-7F3A2C"""
)
def cite(evidence: Annotated[str, Parameter(name="EVIDENCE")], /, *, runs: Runs = None) -> None:
    """Print the citation of an evidence id, and the data, assumptions, code and seed that made the number.

    Args:
        evidence: An evidence id of a report in runs/.
    """
    from evidence.reporting.citations import cited

    print("\n".join(cited(evidence, _runs(runs))))


@app.command(
    help_epilogue="""Examples:
  dispersal find "£310m"
  dispersal find "councils are left with a net cost of between £193m and £436m"
  dispersal find "1,200"

Spaces, quotation marks, capitals, commas in numbers and the names of units make no difference."""
)
def find(quote: Annotated[str, Parameter(name="QUOTE")], /, *, runs: Runs = None) -> None:
    """List the evidence ids that carry a quoted sentence, phrase, figure or table cell; ends with 1 when none does.

    Args:
        quote: What was quoted.
    """
    from evidence.reporting.citations import found_lines

    print("\n".join(found_lines(quote, _runs(runs))))


@app.command(
    help_epilogue="""Examples:
  dispersal verify report-spending-review-7f3a1b2c-0d9e8f7a
  dispersal verify E-7F3A2C
  dispersal verify --rerun E-7F3A2C
  dispersal verify --rerun E-7F3A2C --sample 2

Ends with 1 and names what is wrong. --rerun simulates the whole study again from its record, which takes as long as
the study took; in the locked environment every byte must agree."""
)
def verify(
    identity: Annotated[str, Parameter(name="ID")],
    /,
    *,
    rerun: Annotated[bool, Parameter(negative="")] = False,
    sample: int | None = None,
    runs: Runs = None,
) -> None:
    """Check that a report, or one exhibit, is as it was made; or make the exhibit again and compare.

    Args:
        identity: A report's id, or an evidence id.
        rerun: Make the exhibit again from its record, and compare.
        sample: With --rerun: simulate this many parts of the study again, taken at random, and keep the others.
    """
    from evidence.reporting import verifying

    root = _runs(runs)
    print("\n".join(verifying.again(identity, root, sample) if rerun else verifying.checked(identity, root, sample)))


@app.command(
    help_epilogue="""Examples:
  dispersal trace --council E09000017 --month 2026-09
  dispersal trace --council S12000049 --month 2028-03 --scenario no_grant"""
)
def trace(
    *,
    council: str,
    month: str,
    scenario: str = "central",
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
    seed: int = 1,
    start: str = "2025-12-31",
    runs: Runs = None,
) -> None:
    """Tell what happened to one council in one simulated month, and why.

    Args:
        council: Code of the council, as in params/reference/councils.csv.
        month: Calendar month, as in 2026-09.
        scenario: Name of a file in params/scenarios, without .toml.
        set_: An assumption as NAME=VALUE, or NAME@DATE=VALUE from a date on; may be repeated.
        seed: Seed of the history.
        start: A quarter end with published accommodation by council.
    """
    from evidence.studies.tracing import trace as told

    print("\n".join(told(council, month, scenario, _overrides(set_), seed, start, _runs(runs))))


@app.command(
    help_epilogue="""Examples:
  dispersal show spending-review-7f3a1b2c
  dispersal show central-0b1c2d3e"""
)
def show(identity: Annotated[str, Parameter(name="ID")], /, *, runs: Runs = None) -> None:
    """Say what a run, study, forecast or report is, what made it, and whether its files are sound.

    Args:
        identity: The name of a folder in runs/.
    """
    from evidence import checks

    print("\n".join(checks.described(identity, _runs(runs))))


@app.command(
    help_epilogue="""Examples:
  dispersal hindcast --start 2022-12-31 --quarters 8
  dispersal hindcast --start 2025-12-31 --quarters 4 --out ahead.csv"""
)
def hindcast(
    *,
    start: str,
    quarters: int = 8,
    out: Path | None = None,
    flows: str = "auto",
    in_sample: bool = False,
    samples: int = 96,
    seed: int = 1,
    runs: Runs = None,
) -> None:
    """Forecast supported people by council, region and accommodation from a quarter end, as if it were today.

    Args:
        start: Quarter end from 2022-12-31 on.
        quarters: Quarters ahead.
        out: Also write the quantile table to this CSV file, and what it is to the same name with .json.
        flows: given (realised claims, outcomes and appeals), forecast (nothing after the start), or auto: given
            where all are published.
        in_sample: Keep measured assumptions for starts before they were measured; the result is labelled so.
        samples: Simulations.
        seed: Seed of everything drawn.
    """
    from evidence.progress import watched
    from evidence.records import read_record
    from evidence.validation import truth

    _writable(out)
    root = _runs(runs)
    folder = truth.hindcast(
        root,
        start=start,
        quarters=quarters,
        samples=samples,
        seed=seed,
        flows=flows,
        in_sample=in_sample,
        progress=watched(),
    )
    for said in read_record(folder).warnings:
        print(said)
    if out is not None:
        truth.write_out(folder, out)
    print(_shown(folder))


@app.command(
    help_epilogue="""Examples:
  dispersal validate
  dispersal validate --replications 16

Ends with 1 when fewer than 13 of the 15 patterns hold, or any national tolerance or theory check fails."""
)
def validate(*, replications: int = 16, samples: int = 32, seed: int = 1, runs: Runs = None) -> None:
    """Hold the model against published patterns, national stocks, past quarters and theory.

    Args:
        replications: Seeds of the free runs.
        samples: Simulations of each rolling hindcast.
        seed: Seed of the hindcasts.
    """
    from evidence.progress import watched
    from evidence.records import RunError
    from evidence.validation import validate as held

    root = _runs(runs)
    folder, passed = held.validate(
        root, replications=replications, samples=samples, seed=seed, progress=watched()
    )
    print("\n".join(held.validation_lines(folder)))
    print(_shown(folder))
    if not passed:
        raise RunError("The model does not pass its validation; the table says where.")


@app.command(
    help_epilogue="""Examples:
  dispersal calibrate
  dispersal calibrate --adopt calibrate-0b1c2d3e"""
)
def calibrate(
    *,
    adopt: str | None = None,
    points: int = 128,
    draws: int = 64,
    seed: int = 1,
    workers: int | None = None,
    runs: Runs = None,
) -> None:
    """Fit the assumptions marked calibrated to the published record, as joint draws.

    Args:
        adopt: Copy the joint draws of this calibration to params/posterior/, where every study finds them, and make
            their mean the register's central values (`python -m params.schema` after it).
        points: Points of the first wave; the second has half as many.
        draws: Rows of the posterior, each simulated.
        seed: Seed of everything drawn.
        workers: Threads; every core when not given. The numbers do not depend on it.
    """
    from evidence.progress import watched
    from evidence.validation import calibrate as fitting

    root = _runs(runs)
    if adopt is not None:
        print(_shown(fitting.adopt(root, adopt)))
        return
    folder = fitting.calibrate(root, points=points, draws=draws, seed=seed, workers=workers, progress=watched())
    print("\n".join(fitting.lines(folder)))
    print(f"{_shown(folder)}   next: dispersal calibrate --adopt {folder.name}")


def main(tokens: Sequence[str] | None = None) -> None:
    """Run one command and end the process: 0 done, 1 failed, 2 bad input, 130 stopped with Ctrl-C."""
    sys.exit(_code(list(sys.argv[1:] if tokens is None else tokens)))


def _code(tokens: list[str]) -> int:
    try:
        app(tokens, exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return 0
    except cyclopts.CycloptsError as error:
        asked = next((f"dispersal {t}" for t in tokens[:1] if not t.startswith("-") and t in app), "dispersal")
        return _say(f"{' '.join(str(error).split())} `{asked} --help` shows what it takes.", 2)
    except KeyboardInterrupt as error:
        return _say(str(error) or "Stopped.", 130)
    except BrokenPipeError:
        # The reader of our output has gone; what was made is made.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _say(f"{error.filename or 'dispersal'}: {error.strerror or error}", 1)
    except (ValueError, RuntimeError) as error:
        from evidence.records import RunError
        from params.errors import InputError

        if isinstance(error, InputError | RunError):
            return _say(str(error), 2 if isinstance(error, InputError) else 1)
        raise  # a fault of the program: its traceback says more than a line


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr, flush=True)
    return code


def _version() -> str:
    from importlib.metadata import version

    return version("dispersal-workbench")


def _runs(given: Path | None) -> Path:
    """The folder of all runs: the option, else `runs/` of the repository, else of the working folder."""
    from evidence.records import runs_folder

    return runs_folder(given)


def _shown(path: Path) -> str:
    """A path as a person would type it: relative to the working folder where it lies below it."""
    absolute = path.resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)


def _date(option: str, text: str) -> date:
    from params.errors import InputError

    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option}: {text!r} is not a date. Nearest: 2025-12-31.") from None


def _overrides(given: Sequence[str]) -> Mapping[str, Any]:
    """Read `NAME=VALUE` words; VALUE is TOML, and a bare word is text."""
    import re
    import tomllib

    from params.errors import InputError

    found: dict[str, Any] = {}
    for word in given:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals or not name or not text or "\n" in text:
            raise InputError(f"--set {word!r}: must read NAME=VALUE, such as funding.grant_per_person=1200.")
        if name in found:
            raise InputError(f"--set: {name} is given twice; one value for each assumption.")
        try:
            found[name] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            if not re.fullmatch(r"[A-Za-z][\w -]*", text):
                raise InputError(f"--set {name}: {text!r} is not a value. Nearest: 1200, true or a word.") from None
            found[name] = text
    return found


def _writable(target: Path | None) -> None:
    from params.errors import InputError

    if target is not None and (target.is_dir() or not target.absolute().parent.is_dir()):
        raise InputError(f"{target}: is a folder, or its folder does not exist; give the path of a file.")


def _copy(source: Path, target: Path) -> None:
    """Copy a file so that the target is whole or untouched."""
    import shutil

    from params.errors import InputError

    partial = target.with_name(f".{target.name}.partial")
    try:
        shutil.copyfile(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InputError(f"{target}: cannot be written ({error.strerror}).") from None


def _table(figures: Any, ranges: bool) -> list[str]:
    """The summary of a run as text: a line for each measure and date, with ranges where replications allow them."""
    from evidence.wording import exact, number

    says = "and 80% interval over replications" if ranges else "only: too few replications for a range"
    lines = [f"Modelled estimates: median {says}; UK; not official statistics.", ""]
    for measure, rows in figures.groupby("measure", sort=False):
        lines.append(str(measure))
        for row in rows.itertuples():
            if row.published:
                lines.append(f"  {row.when:<12}{exact(row.central):>10}   as published")
            else:
                interval = f"   {number(row.low)} to {number(row.high)}" if ranges else ""
                lines.append(f"  {row.when:<12}{number(row.central):>10}{interval}")
    return [*lines, ""]
