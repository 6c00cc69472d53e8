"""How fast the model is, beside the targets: `make bench` and `make bench-quick`; a table and `runs/bench.json`."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import c_kernel
import measures
from measures import Measured

from evidence.records import prepare_runs, write_json

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """One line of the table; `least` says whether the figure should be at least or at most `reach`."""

    words: str
    reach: float
    stretch: float
    least: bool

    def met(self, value: float) -> bool:
        """Whether a figure reaches the target."""
        return value >= self.reach if self.least else value <= self.reach


TARGETS = {
    "speedup_plain_mesa": Target("speed over plain Mesa, 100,000 households", 100, 250, True),
    "time_over_c": Target("time over C, rules for households", 1.5, 1.15, False),
    "mesa_shell": Target("time by Mesa's clock over bare months", 1.10, 1.03, False),
    "two_threads_over_one": Target("two threads over one", 1.8, 1.95, True),
    "replications_per_minute": Target("ten-year replications a minute, stored, 2 threads", 700, 1500, True),
    "bytes_per_household": Target("peak bytes a household at 1,000,000", 32, 16, False),
    "scaling_exponent": Target("cost growth with households, exponent", 1.05, 1.0, False),
    "storing_share": Target("writing, share of a study's processor time", 0.02, 0.01, False),
    "crn_variance_reduction": Target("variance reduction, arm differences (least of 3)", 30, 100, True),
    "allocation_share": Target("allocation rule that costs most, share of run time", 0.10, 0.02, False),
}


@dataclass(frozen=True)
class Effort:
    """How much is measured."""

    plain_pairs: int
    months: int
    thread_pairs: int
    thread_months: int
    replications: int
    sizes: tuple[int, ...]
    size_months: int
    seeds: int
    arm_months: int


FULL = Effort(7, 60, 25, 120, 160, (10_000, 100_000, 1_000_000, 10_000_000), 5, 40, 51)
QUICK = Effort(3, 24, 9, 120, 80, (10_000, 100_000, 1_000_000), 3, 8, 36)


def main(arguments: list[str]) -> int:
    """Measure, print, write. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one minute instead of two to five, rougher")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "bench.json", help="where the figures go")
    given = parser.parse_args(arguments)
    effort = QUICK if given.quick else FULL
    began = time.monotonic()
    found: dict[str, Measured | None] = dict.fromkeys(TARGETS)

    say("time over C, month by month in turn")
    if c_kernel.available():
        found["time_over_c"] = measures.over_c(effort.months)
    else:
        say(f"  {c_kernel.NO_COMPILER}")
    say("Mesa's clock, month by month in turn")
    found["mesa_shell"] = measures.over_bare_month(effort.months)
    say("where the time goes")
    spent = measures.spent(measures.TEN_YEARS)
    found["allocation_share"] = _single(spent.allocation)
    say("plain Mesa, in pairs")
    found["speedup_plain_mesa"] = measures.over_plain_mesa(effort.plain_pairs)
    say("two threads, two processes and one, in turn")
    found["two_threads_over_one"], processes = measures.two_over_one(effort.thread_pairs, effort.thread_months)
    say("a study of two arms, the same replications and others")
    reduction = measures.common_random_numbers(effort.seeds, effort.arm_months)
    least, most = min(reduction.values()), max(reduction.values())
    found["crn_variance_reduction"] = Measured(least, least, most)
    say("peak memory at a million households")
    found["bytes_per_household"] = _single(measures.bytes_a_household())
    say("growth with the number of households")
    sizes, exponent = measures.growth(list(effort.sizes), effort.size_months)
    found["scaling_exponent"] = _single(exponent)
    say("a study, stored")
    rate, writing, people = measures.stored(effort.replications)
    found["replications_per_minute"], found["storing_share"] = _single(rate), _single(writing)

    print(report(found, spent, sizes, reduction, processes))
    print(f"The stored study supported {people:,.0f} people on average; {measures.CLAIMS:,} claims a month elsewhere.")
    prepare_runs(given.out.parent)
    figures = {name: None if figure is None else round(figure.value, 4) for name, figure in found.items()}
    write_json(given.out, {**figures, "machine": machine(), "date": date.today().isoformat()})
    print(f"\n{given.out}, after {time.monotonic() - began:.0f} s")
    return 0


def _single(value: float) -> Measured:
    return Measured(value, value, value)


def say(line: str) -> None:
    """Progress, apart from the table."""
    print(f"  {line}", file=sys.stderr, flush=True)


def machine() -> str:
    """What the figures were measured on."""
    names = [line for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    name = names[0].split(":")[1].strip() if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def report(
    found: dict[str, Measured | None],
    spent: measures.Spent,
    sizes: dict[int, tuple[int, float]],
    reduction: dict[str, float],
    processes: Measured,
) -> str:
    """The table of targets, then the phases, the sizes, the arm differences and what two processes reach."""
    lines = [f"{'figure':52}{'measured':>10}{'10th to 90th':>22}{'reach':>8}{'stretch':>9}"]
    for name, target in TARGETS.items():
        figure = found[name]
        if figure is None:
            lines.append(f"{target.words:52}{'not measured':>10}")
            continue
        spread = f"{figure.low:.3g} to {figure.high:.3g}" if figure.high > figure.low else ""
        verdict = "reached" if target.met(figure.value) else "missed"
        lines.append(
            f"{target.words:52}{figure.value:>10.3g}{spread:>22}{target.reach:>8g}{target.stretch:>9g}  {verdict}"
        )
    lines += ["", f"A replication of ten years takes {spent.whole:.3f} s of processor time."]
    lines.append(f"  {100 * spent.placement:.1f}% of it moves people into dispersal beds, by the rule's weights;")
    lines.append(f"  {100 * spent.locked:.1f}% is outside the compiled months: set-up, what stands between, result.")
    total = sum(sum(parts) for parts in spent.phases.values())
    lines += ["", f"Phase by phase it takes {total:.3f} s; in per cent of them:"]
    lines.append(f"{'phase':16}{'households':>12}{'councils and all else':>24}")
    lines += [f"{p:16}{100 * a / total:>12.1f}{100 * b / total:>24.1f}" for p, (a, b) in spent.phases.items()]
    inside = sum(a for a, _ in spent.phases.values()) / total
    lines.append(f"{'together':16}{100 * inside:>12.1f}{100 * (1 - inside):>24.1f}")
    lines += ["", f"{'households':>12}{'ms a month':>14}{'ns a household':>16}"]
    lines += [f"{n:>12,}{1e3 * s:>14.2f}{1e9 * s / n:>16.1f}" for n, s in sizes.values()]
    lines += ["", "Variance of the difference between two arms, other replications over the same:"]
    lines += [f"  {name:32}{ratio:>10.3g}" for name, ratio in reduction.items()]
    lines += ["", "Two processes over one, which share no interpreter lock (what the machine gives):"]
    lines.append(f"  {processes.value:.3g} ({processes.low:.3g} to {processes.high:.3g})")
    lines.append(f"Peak memory of this process: {measures.peak_bytes() / 1e6:.0f} MB")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
