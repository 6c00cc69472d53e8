"""Reference pages made from the project itself: assumptions, scenarios, instruments, studies and commands.

A page asks for one with a comment of its own line, `% made: assumptions`; the Markdown takes its place when Sphinx
reads the page, so that nothing generated is ever committed or out of date.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import groupby
from textwrap import dedent
from typing import Any

from sphinx.application import Sphinx

import params
from evidence.cli import app as dispersal
from evidence.studies.files import read_study
from params.instruments import KINDS, library
from params.register import FOREVER, ROOT, Assumption, Value, read_register, read_toml

KIND = {
    "measured": "taken or computed from published data",
    "calibrated": "fitted to published data by `dispersal calibrate`",
    "policy": "a rule, rate or date that somebody decides",
    "elicited": "judgement: no published figure was found",
}
PLACE = re.compile(r"^% made: (\w+)$", re.M)


def setup(sphinx: Sphinx) -> dict[str, Any]:
    """Add the directives and roles `assumption` and `scenario`, and fill the places that ask for a list."""
    sphinx.add_object_type("assumption", "assumption", objname="assumption")
    sphinx.add_object_type("scenario", "scenario", objname="scenario")
    sphinx.connect("source-read", _fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _fill(sphinx: Sphinx, page: str, source: list[str]) -> None:
    source[0] = PLACE.sub(lambda found: "\n".join(MADE[found[1]]()), source[0])


def plain(text: str) -> str:
    """Text with every character that Markdown would read as markup escaped."""
    return re.sub(r"([\\`*_\[\]<>|$#{}])", r"\\\1", text)


def number(value: Value) -> str:
    """A value as a reader writes it."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return plain(value) if isinstance(value, str) else f"{value:,.10g}"


def kinds() -> Iterator[str]:
    """How many assumptions there are of each kind, and how good their evidence is."""
    register = read_register().values()
    yield f"The register holds {len(register)} assumptions.\n"
    yield "| kind | what it means | number | evidence good | fair | weak |"
    yield "|---|---|---:|---:|---:|---:|"
    for kind, meaning in KIND.items():
        quality = Counter(entry.quality for entry in register if entry.kind == kind)
        counts = " | ".join(str(quality[q]) for q in ("green", "amber", "red"))
        yield f"| {kind} | {meaning} | {quality.total()} | {counts} |"


def weakest() -> Iterator[str]:
    """Assumptions with weak evidence that move answers much."""
    for name, entry in read_register().items():
        if (entry.quality, entry.impact) == ("red", "red"):
            yield f"- {{assumption}}`{name}`: {plain(entry.note)}"


def not_known() -> Iterator[str]:
    """What the reference tables lack, as their manifest says."""
    manifest = json.loads((ROOT / "reference" / "manifest.json").read_text(encoding="utf-8"))
    yield from (f"- {plain(missing)}" for missing in manifest["not_known"])


def patterns() -> Iterator[str]:
    """What the model is held against, and what of it was used to fit it."""
    yield "| pattern | used for |\n|---|---|"
    for pattern in read_toml(ROOT / "hindcast" / "targets.toml")["pattern"]:
        yield f"| {pattern['number']}. {plain(pattern['title'])} | {pattern['use']} |"


def assumptions() -> Iterator[str]:
    """Every assumption, under a heading for each file of the register."""
    group = ""
    for name, entry in read_register().items():
        if name.split(".")[0] != group:
            group = name.split(".")[0]
            yield f"\n## {group.replace('_', ' ').capitalize()}\n\nFrom `params/assumptions/{group}.toml`.\n"
        yield from _object("assumption", name, _assumption(entry))


def _object(kind: str, name: str, lines: Iterable[str]) -> Iterator[str]:
    yield f":::{{{kind}}} {name}"
    yield from lines
    yield ":::\n"


def _assumption(entry: Assumption) -> Iterator[str]:
    if entry.value is not None:
        value = f"**{number(entry.value)}**"
    else:
        value = "; ".join(f"**{number(step.value)}** from {step.start:%-d %B %Y}" for step in entry.dated)
    unit = "" if entry.unit in ("switch", "choice") else f" {plain(entry.unit)}"
    parts = [f"{value}{unit}", _range(entry)]
    if entry.choices:
        parts.append("choices: " + ", ".join(map(plain, entry.choices)))
    yield f"{'; '.join(part for part in parts if part)}.\n"
    if entry.note:
        yield f"{plain(entry.note)}\n"
    yield f"*{entry.kind.capitalize()}*. Source: {plain(entry.source).rstrip('.')}. As of {entry.as_of:%-d %B %Y}. "
    rating = {"green": "good", "amber": "fair", "red": "weak"}
    weight = {"green": "little", "amber": "somewhat", "red": "much"}
    yield f"Evidence {rating[entry.quality]} ({entry.quality}); moves answers {weight[entry.impact]} ({entry.impact})."


def _range(entry: Assumption) -> str:
    if entry.joint:
        return f"drawn together with {plain(entry.joint.group)}, from {', '.join(map(number, entry.joint.values))}"
    if entry.distribution == "fixed":
        return "not drawn"
    ends = f"{number(entry.low or 0.0)} to {number(entry.high or 0.0)}"
    what = " (5th to 95th percentile)" if entry.distribution == "lognormal" else ""
    return f"drawn from {ends}{what}, {entry.distribution}"


def scenarios() -> Iterator[str]:
    """Every scenario: why, and what it changes."""
    for name in params.scenario_names():
        yield from _object("scenario", name, _scenario(params.load(name)))


def _scenario(loaded: params.Assumptions) -> Iterator[str]:
    yield f"{plain(loaded.why)}\n"
    base = params.load()
    for changed in (name for name in loaded.overridden if name in loaded.steps):
        steps = (step for step in loaded.steps[changed] if step not in base.steps[changed])
        said = "; ".join(_since(step.value, step.start) for step in steps) or "as in the register"
        yield f"- {{assumption}}`{changed}`: {said}"
    for name, instrument in loaded.instruments.items():
        if instrument != base.instruments.get(name):
            yield f"- instrument `{name}`: {plain(instrument.words())}"


def _since(value: Value, start: date) -> str:
    return number(value) if start == FOREVER else f"{number(value)} from {start:%-d %B %Y}"


def instruments() -> Iterator[str]:
    """The kinds of grant instrument, then every instrument of the library."""
    yield "| kind | paid in a month | rate in |\n|---|---|---|"
    for name, kind in KINDS.items():
        yield f"| `{name}` | {plain(kind.formula)}; {plain(kind.quantity)} | {plain(kind.unit)} |"
    for file, own in library().items():
        yield f"\n### {file.capitalize()} instruments\n\nFrom `params/instruments/{file}.toml`.\n"
        yield "| name | rule | status |\n|---|---|---|"
        for name, instrument in own.items():
            yield f"| `{name}` | {plain(instrument.words())} | {plain(instrument.status)} |"


def studies() -> Iterator[str]:
    """Every study file: why, its arms and its size."""
    yield "| file | question | arms | draws | replications | months |\n|---|---|---|---|---:|---:|"
    for path in sorted((ROOT / "studies").glob("*.toml")):
        study = read_study(path)
        arms = ", ".join(f"`{arm}`" for arm in study.arms)
        if study.levers:
            arms += f" and {len(study.levers.levels)} levers, {study.levers.design.replace('_', ' ')}"
        draws = study.sample.design.replace("_", " ").capitalize() if study.sample else study.draws
        question = plain(f"{study.title}. {study.why}")
        yield f"| `{path.name}` | {question} | {arms} | {draws} | {study.replications} | {study.months} |"


def commands() -> Iterator[str]:
    """Every command's help with its examples."""
    text = dispersal.generate_docs(output_format="markdown", usage_name="dispersal")
    _, _, text = text.partition("## dispersal check")  # what stands before is the list of contents
    for block in re.split(r"^(?=#+ dispersal )", f"## dispersal check{text}", flags=re.M):
        words = block.partition("\n")[0].lstrip("# ").split()[1:]
        yield block.rstrip() + "\n"
        node = dispersal
        for word in words:
            node = node[word]
        epilogue = node.help_epilogue
        if epilogue:
            yield from _examples(dedent(epilogue))


def _examples(epilogue: str) -> Iterator[str]:
    """An epilogue as Markdown: commands as console blocks, other indented lines as they stand, sentences as text."""
    for look, lines in groupby((line for line in epilogue.splitlines() if line.strip()), _look):
        if look == "text":
            yield f"{plain(' '.join(line.strip() for line in lines))}\n".replace("Examples:", "**Examples**:")
        elif look == "command":
            yield from ("```console", *(f"$ {line.strip()}" for line in lines), "```\n")
        else:
            yield from ("```text", *(line.removeprefix("  ") for line in lines), "```\n")


def _look(line: str) -> str:
    return "command" if line.startswith("  dispersal") else "as it stands" if line.startswith("  ") else "text"


MADE: dict[str, Callable[[], Iterator[str]]] = {
    made.__name__: made
    for made in (assumptions, kinds, weakest, not_known, patterns, scenarios, instruments, studies, commands)
}
