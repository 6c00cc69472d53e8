"""The money verbs of the command line: `funding history`, and `unit-costs` with its template and check."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

funding_app = App(
    name="funding",
    help="What the grants to councils were, and what their rules come to on published numbers.",
    help_epilogue="""Examples:
  dispersal funding history
  dispersal funding history --out history.csv""",
)
unit_costs_app = App(
    name="unit-costs",
    help="A council's, or a group of councils', own unit costs by service line.",
    help_epilogue="""Examples:
  dispersal unit-costs template --out our_costs.csv
  dispersal unit-costs check our_costs.csv
  dispersal report params/studies/spending_review.toml --unit-costs our_costs.csv""",
)


def mount(top: App) -> None:
    """Add `funding` and `unit-costs` to the command line."""
    top.command(funding_app)
    top.command(unit_costs_app)


@funding_app.command(
    help_epilogue="""Examples:
  dispersal funding history
  dispersal funding history --out history.csv"""
)
def history(*, out: Path | None = None) -> None:
    """Print what the grant rules of 2021-22 to 2025-26 pay on published stocks, beside the published totals.

    Args:
        out: Also write the rules, one row each, to this CSV file.
    """
    from evidence.chapters import grant_history
    from evidence.cli import _writable
    from evidence.exhibits import to_csv
    from evidence.wording import money, number

    _writable(out)
    table = grant_history.history()
    print("Grant rules on published stocks, no simulation. Cash; Great Britain, but for 2022-23: United Kingdom.\n")
    for row in table.to_dict("records"):
        print(
            f"  {row['year']}   {row['label']:<34}{money(row['rate']):>8} x {number(row['quantity']):>8} = "
            f"{money(row['amount']):>7}   rate {row['status'].replace('_', ' ')}; {row['basis']}"
        )
    print("\nAgainst what was published")
    for row in grant_history.check(table).to_dict("records"):
        amounts = f"rules {money(row['amount'])}, published {money(row['published'])}"
        print(f"  {row['year']}   {amounts}; same order: {row['holds']}")
        print(f"            {row['source']}.\n            {row['reading']}")
    if out is not None:
        partial = out.with_name(f".{out.name}.partial")
        partial.write_text(to_csv(table), encoding="utf-8")
        partial.replace(out)


@unit_costs_app.command(
    help_epilogue="""Columns of the template, one row a service line; copy a row to give other councils another cost:
  service, unit     the model's line and its unit; leave as they are
  councils          codes or names, parted by semicolons, or: all
  value             pounds a unit and year, net of income for it, such as 12,500
  low, high         the range you believe; left empty, the value is taken as exact
  price_base        the financial year whose cash it is, such as 2024-25
  source, note      where it comes from (a ledger, a return), and what to know; never a person's name
  what_it_covers    what belongs in the line; left as it is, or left out
Rows without a value are passed over, and those lines keep the model's central cost.

Example:
  dispersal unit-costs template --out our_costs.csv"""
)
def template(*, out: Path) -> None:
    """Write a template with one row a service line: unit and meaning filled in, costs for you to give.

    Args:
        out: The CSV file to write; an existing file is never replaced.
    """
    from evidence.chapters import unit_costs

    unit_costs.write_template(out)
    print(f"{out}   next: dispersal unit-costs check {out}")


@unit_costs_app.command(help_epilogue="Example:\n  dispersal unit-costs check our_costs.csv")
def check(file: Path, /) -> None:
    """Check a filled template row by row, and show its costs in 2025-26 prices beside the register's.

    Args:
        file: The filled template.
    """
    from evidence.chapters import unit_costs

    print("\n".join(unit_costs.described(unit_costs.read(file))))
