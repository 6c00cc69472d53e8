"""The data verbs of the command line: official releases in, as vintages beside one another, and what they change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

if TYPE_CHECKING:
    from evidence.exchange.revisions import Revision
    from params.releases.read import Release

# A quarter whose UK total moves by more than this against what is in force is a part of a release, not a revision.
REVISION_BEYOND_BELIEF = 0.25
CHANGE_BEYOND_BELIEF = 0.5

Runs = Annotated[
    Path | None,
    Parameter(
        name="--runs",
        env_var="DISPERSAL_RUNS",
        help="Folder of all runs; runs/ of this repository when not given.",
    ),
]

data_app = App(
    name="data",
    help="Official releases in: each import is kept beside the others, and the newest complete one is read.",
    help_epilogue="""Examples:
  dispersal data import support-local-authority-datasets-mar-2026.xlsx
  dispersal data list
  dispersal data diff Asy_D11@shipped Asy_D11@2026-05-21""",
)


def mount(top: App) -> None:
    """Add `data`, `share` and `rural` to the command line."""
    top.command(data_app)
    top.command(
        share,
        help_epilogue="""Examples:
  dispersal share --protocol params/protocols/regional_partnership.toml
  dispersal share --protocol params/protocols/modelled_outlook.toml --out for_the_partnership

Every release is kept in runs/shared/ with a log; each new one is checked against all of them.""",
    )
    top.command(rural, help_epilogue="Examples:\n  dispersal rural\n  dispersal rural --region Wales --out rural.csv")


@data_app.command(
    name="import",
    help_epilogue="""Examples:
  dispersal data import support-local-authority-datasets-mar-2026.xlsx
  dispersal data import regional-and-local-authority-dataset-mar-2026.ods --as Reg_02

  dispersal data import returns.csv --protocol params/protocols/council_return.toml

Tables: Asy_D01, Asy_D02, Asy_D03, Asy_D09, Asy_D11, Reg_02 and tribunal, in ODS, XLSX or CSV as published.""",
)
def import_(
    file: Path,
    /,
    *,
    as_: Annotated[str | None, Parameter(name="--as")] = None,
    protocol: Path | None = None,
    runs: Runs = None,
) -> None:
    """Read an official release as published, keep it as a vintage, and say what it changes.

    A complete vintage that is at least as new as what is in force is adopted at once: every later command reads
    it. The vintage before it stays. A file that cannot be used changes nothing.

    Args:
        file: The file as downloaded.
        as_: The table to read it as, when it is not recognised or holds several.
        protocol: Read a local return under this protocol instead; it is checked row by row and kept in runs/returns/.
    """
    if protocol is not None:
        from evidence.cli import _runs
        from evidence.exchange.returns import import_return

        print("\n".join(import_return(file, protocol, _runs(runs))))
        return
    from params.releases.read import read_release

    for release in read_release(file, as_):
        print("\n".join(_keep(release)))


def share(*, protocol: Path, out: Path | None = None, runs: Runs = None) -> None:
    """Write the extract that a protocol allows: disclosure control, a manifest with hashes, an entry in the log.

    Args:
        protocol: The protocol's TOML file: who may receive what, at which geography, for what, until when.
        out: Also copy the release to this new folder, to hand over.
    """
    import sys

    from evidence.cli import _runs
    from evidence.exchange.sharing import release

    print("\n".join(release(protocol, _runs(runs), out, say=lambda line: print(line, file=sys.stderr, flush=True))))


def rural(*, region: str | None = None, out: Path | None = None, runs: Runs = None) -> None:
    """Write the rural viability matrix by council: access, build-up, size of cluster, lag and cost, and what is known.

    Args:
        region: One region or nation only.
        out: Also write the matrix to this CSV file.
    """
    import sys

    from evidence import cli
    from evidence.partners import viability

    cli._writable(out)
    page = viability.page(region, cli._runs(runs), lambda line: print(line, file=sys.stderr))
    print("\n".join(viability.lines(region)))
    if out is not None:
        viability.write_csv(region, out)
    print(_shown(page))


@data_app.command(name="list", help_epilogue="Example:\n  dispersal data list")
def list_() -> None:
    """List every vintage of every official table, and which one is in force."""
    from params.releases.layouts import TABLES
    from params.releases.overlay import FEEDS
    from params.releases.store import SHIPPED, adopted, vintages
    from params.tables import shipped

    chosen = adopted()
    for table, layout in sorted(TABLES.items()):
        print(f"{table}: {layout.title} ({layout.publisher})")
        names = [name for name, feeds in FEEDS.items() if feeds[0] == table or (table == "Reg_02" and table in feeds)]
        days = shipped(names[0])["quarter_end"]
        known = [(SHIPPED, str(days.min().date()), str(days.max().date()), "", "shipped with the project")]
        known += [
            (v.label, v.record["quarters"][0], v.record["quarters"][1], v.record["published"] or "", v.record["file"])
            for v in vintages(table)
        ]
        mine = chosen[table].label if table in chosen else SHIPPED
        for label, first, last, published, file in known:
            mark = "in force" if label == mine else ""
            when = f"published {published}" if published else ""
            print(f"  {f'{table}@{label}':<22} {first} to {last}  {when:<20}  {mark:<8}  {file}")


@data_app.command(
    help_epilogue="""Examples:
  dispersal data diff Asy_D11@shipped Asy_D11@2026-05-21
  dispersal data diff Asy_D01@2026-02-26 Asy_D01@2026-05-21"""
)
def diff(old: str, new: str, /) -> None:
    """Say what changed between two vintages: revisions by series, the largest of them, the UK total by quarter.

    Args:
        old: A vintage as `dispersal data list` names it.
        new: Another vintage of the same table.
    """
    from evidence.exchange.revisions import between, lines

    print("\n".join(lines(between(old, new), old, new)))


@data_app.command(
    help_epilogue="""Examples:
  dispersal data adopt Asy_D11@2026-05-21
  dispersal data adopt Asy_D11@shipped"""
)
def adopt(vintage: str, /) -> None:
    """Let this vintage of its table be read from now on; no other is lost.

    Args:
        vintage: A vintage as `dispersal data list` names it.
    """
    from params.releases import store

    found = store.find(vintage)
    table, label = (found.table, found.label) if found else (vintage.partition("@")[0], store.SHIPPED)
    store.adopt(table, label)
    print(f"In force: {table}@{label}")


def _keep(release: Release) -> list[str]:
    """Keep one release, adopt it if it is complete and new enough, and tell all of it."""
    from evidence.exchange.revisions import against, lines
    from params.releases import store

    told = _read(release)
    table = release.layout.table
    in_force = store.adopted()
    before = in_force[table].id if table in in_force else f"{table}@{store.SHIPPED}"
    vintage, new = store.draft(release, [line.strip() for line in told[1:]])
    if not new:
        told.append(f"Already imported as {vintage.id}; nothing changed.")
        return told
    revisions = against(table, in_force, vintage)
    told += lines(revisions, before, vintage.id)
    held = _held_back(release, revisions, in_force[table].record["quarters"][1] if table in in_force else None)
    store.keep(vintage)
    if held:
        told.append(f"Kept beside {before}, which stays in force: {held}.")
        told.append(f"next: dispersal data adopt {vintage.id}")
        return told
    store.adopt(table, vintage.label)
    told.append(f"In force: {vintage.id}; {before} stays beside it.")
    told.append(f"{_shown(vintage.path)}   next: dispersal data list")
    return told


def _read(release: Release) -> list[str]:
    """What was read and what was put right."""
    found = release.findings
    published = f", published {release.published}" if release.published else ""
    told = [
        f"{release.layout.table}{published}: {release.read:,} rows, {len(release.quarters)} quarter ends to "
        f"{release.quarters[-1]} (sheet {release.sheet}, header in row {release.header_row})"
    ]
    for quarter, rows in sorted(found.corrected.items()):
        told.append(f"  Codes: {rows:,} rows at {quarter} carry another council's code; they go by their name")
    if found.succeeded:
        rows = sum(found.succeeded.values())
        told.append(f"  Codes: {rows:,} rows under {len(found.succeeded)} former codes go to the successors")
    if found.late:
        told.append(f"  Codes: {', '.join(sorted(found.late))} used after the council had ended")
    if found.by_name:
        told.append(f"  Codes: {found.by_name:,} rows without a council's code go by their name")
    for region, spellings in sorted(found.regions.items()):
        if len(spellings) > 1:
            told.append(f"  Regions: {len(spellings)} spellings of {region}: {', '.join(sorted(spellings))}")
    if found.moved:
        told.append(
            f"  Regions: {sum(found.moved.values()):,} rows name another region than their council is in; they count "
            "where the council is"
        )
    if release.marks:
        reasons = ", ".join(f"{reason} {count:,}" for reason, count in sorted(release.marks.items()))
        told.append(f"  Shorthand: {sum(release.marks.values()):,} cells without a number ({reasons})")
    checked = f"{release.totals:,} totals in the file checked, all hold" if release.totals else "none in the file"
    told.append(f"  Totals: {checked}")
    return told


def _held_back(release: Release, revisions: list[Revision], last_adopted: str | None) -> str | None:
    """Why a vintage is not adopted by itself; None when it is complete and at least as new as what is in force."""
    from params.releases.overlay import HEADLINE

    applicants = {key[release.layout.dimensions.index("applicant")] for key in release.rows} if (
        "applicant" in release.layout.dimensions
    ) else set()  # fmt: skip
    if applicants == {"main_applicant"}:
        return "it counts main applicants only, and the tables count people"
    name = HEADLINE[release.layout.table][0]
    national = next(revision.national for revision in revisions if revision.table == name)
    for quarter, row in national[national["new"].notna()].iterrows():
        if row["old"] and abs(row["new"] / row["old"] - 1) > REVISION_BEYOND_BELIEF:
            return (
                f"its UK total at {str(quarter)[:10]} is {row['new']:,.0f}, and {row['old']:,.0f} in force: "
                "it looks like a part of a release"
            )
    known = national["old"].dropna()
    added = national.loc[national["old"].isna(), "new"].dropna()
    for quarter, value in added[added.index > known.index.max()].items():
        if abs(value / known.iloc[-1] - 1) > CHANGE_BEYOND_BELIEF:
            return (
                f"its UK total at {str(quarter)[:10]} is {value:,.0f}, and the quarter in force before it has "
                f"{known.iloc[-1]:,.0f}: it looks like a part of a release"
            )
    newest = last_adopted or str(known.index.max())[:10]
    if release.quarters[-1] < newest:
        return f"it ends at {release.quarters[-1]}, and what is in force at {newest}"
    return None


def _shown(path: Path) -> str:
    absolute = path.resolve()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(path)
