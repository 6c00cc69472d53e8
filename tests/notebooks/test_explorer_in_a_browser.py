"""The explorer in Debian's chromium: as a page of its own and in a real JupyterLab, by mouse and by keyboard.

Set EXPLORER_PICTURES to a folder to keep screenshots to look at.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import evidence
from evidence import records, results
from evidence.explorer.findings import DIFFERENCE
from evidence.reporting import pages
from evidence.wording import money, number

pytestmark = pytest.mark.notebooks

if pages.browser() is None:
    pytest.skip("Chromium is not on this machine, so that the explorer cannot be seen.", allow_module_level=True)

SIZES = {"draws": 2, "replications": 1, "months": 27}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
SECONDS = 240
STATUS = ".dx-status"
GRANT, NOTICE, RULE = "Grant, £ a person a year", "Notice after a grant of status, days", "Allocation rule"


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=pages.browser(), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Folder of runs that both servers share, so that the intake forecast is made once."""
    return tmp_path_factory.mktemp("explored")


class Server:
    """A server in a process group of its own, which ends with all its kernels."""

    def __init__(self, command: list[str], place: Path) -> None:
        own = {f"JUPYTER_{kind}_DIR": str(place / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        self.log = place / f"{Path(command[0]).name}-{len(command)}.log"
        # The kernel imports this checkout, wherever the environment's own installation points.
        environment = os.environ | own | {"PYTHONPATH": str(records.REPOSITORY), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            command, cwd=place, env=environment, stdout=self.log.open("w"), stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def address(self, pattern: str) -> str:
        """What it prints once it serves."""
        for _ in range(10 * SECONDS):
            found = re.search(pattern, self.log.read_text())
            if found:
                return found.group(0)
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {self.log.read_text()[-2000:]}")

    def end(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def page_address(place):
    sizes = [word for name, size in SIZES.items() for word in (f"--{name}", str(size))]
    run = "from evidence.cli import main; main()"
    command = [sys.executable, "-c", run, "explore", "--no-browser", *sizes, "--runs", str(place)]
    server = Server(command, place)
    yield server.address(r"http://127\.0\.0\.1:\d+/\S+")
    server.end()


@pytest.fixture(scope="module")
def page(browser, page_address):
    """The explorer's own page, ready."""
    shown = browser.new_page(viewport={"width": 1280, "height": 1000})
    shown.set_default_timeout(1000 * SECONDS)
    shown.asked = []
    shown.on("request", lambda request: shown.asked.append(request.url))
    shown.goto(page_address)
    ready(shown, "As now")
    yield shown
    shown.close()


@pytest.fixture(scope="module")
def lab(browser, place):
    """The explorer in JupyterLab: its own notebook, run with the keyboard, at the sizes of these tests."""
    source = json.loads((records.REPOSITORY / "notebooks" / "explorer.ipynb").read_text(encoding="utf-8"))
    sizes = ", ".join(f"{name}={size}" for name, size in SIZES.items())
    for cell in source["cells"]:
        text = "".join(cell["source"])
        cell["source"] = text.replace('explore(runs="../runs")', f"explore({sizes}, runs={str(place)!r})")
    (place / "explorer.ipynb").write_text(json.dumps(source), encoding="utf-8")
    options = ["--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={place}"]
    quiet = ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    server = Server([sys.executable, "-m", "jupyterlab", *options, *quiet], place)
    try:
        address = server.address(r"http://127\.0\.0\.1:\d+/lab\?token=\w+")
        shown = browser.new_page(viewport={"width": 1280, "height": 1000})
        shown.set_default_timeout(1000 * SECONDS)
        shown.goto(address.replace("/lab?", "/lab/tree/explorer.ipynb?"))
        shown.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        prompt = shown.locator(".jp-CodeCell .jp-InputPrompt").first
        for _ in range(10):  # a kernel that is still connecting lets the first key go by
            shown.locator(".jp-CodeCell .cm-content").first.click()
            shown.keyboard.press("Shift+Enter")
            shown.wait_for_timeout(3000)
            if prompt.inner_text().strip() not in ("[ ]:", ""):
                break
        ready(shown, "As now")
        yield shown
        shown.close()
    finally:
        server.end()


def ready(page, position: str) -> None:
    """Wait until every simulation of a position is in and drawn."""
    page.wait_for_function(
        "text => /All simulations are in|First look/.test(document.querySelector('.dx-status')?.innerText)"
        " && /2 of 2/.test(document.querySelector('.dx-status').innerText)"
        " && document.querySelector('.dx-said').innerText.includes(`“${text}”`)"
        " && document.querySelector('.dx-ledgers img')?.alt.includes(text)",
        arg=position,
    )


def cells(page, part: str) -> dict[str, list[str]]:
    """Rows of a table on the page, by their name."""
    rows = page.locator(f".dx-{part} tbody tr")
    read = [row.locator("th, td").all_inner_texts() for row in rows.all()]
    return {first: rest for first, *rest in read}


def picture(page, name: str) -> None:
    if os.environ.get("EXPLORER_PICTURES"):
        page.screenshot(path=f"{os.environ['EXPLORER_PICTURES']}/{name}.png")


def equal_to_the_api(page, place: Path, overrides: dict) -> None:
    """What a person reads is what the same call of the API gives, to the last digit shown."""
    found = evidence.compare({"Moved": overrides}, base="current_grant", **SIZES, seed=2026, runs=place)
    base = str(found.study.attrs["baseline"])
    stock = results.supported(found.study, accommodation=results.HOTEL).isel(month_end=-1, drop=True).astype(float)
    moved = results.summarise(results.minus_baseline(stock, base)).iloc[0]
    *_, difference, _ = cells(page, "people")["People in hotels"]
    central, low, high = (number(round(moved[end])) for end in ("central", "low80", "high80"))
    assert difference.split("\n") == [central] + ([f"{low} to {high}"] if low != high else [])
    shown = cells(page, "money")
    assert list(shown) == ["Home Office", "Councils", "Other public bodies"]
    for name, flow in results.ledgers(found.study).items():
        total = results.over_years(flow, ["2027-28"])
        by_arm = results.summarise(total)["central"]
        assert [cell.split("\n")[0] for cell in shown[name][:2]] == [money(value) for value in by_arm]
    assert DIFFERENCE in page.locator(".dx-people thead").inner_text()


def one_region(page) -> None:
    """Show the councils of one region only: axe takes half a minute over all of them."""
    page.get_by_label("Region of the table").select_option(label="Wales")
    page.wait_for_function("!document.querySelector('.dx-councils').innerText.includes('Leeds')")


def grave(page, inside: str) -> list[str]:
    """What axe-core calls serious or critical."""
    from axe_core_python.sync_playwright import Axe

    found = Axe().run(page, context=inside)["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found if v["impact"] in ("serious", "critical")]


def test_the_page_is_moved_with_the_keyboard_alone_and_equals_the_api(page, place):
    page.locator("body").click(position={"x": 2, "y": 2})
    for _ in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.labels?.[0]?.innerText ?? ''")
        if focused == NOTICE:
            break
    assert focused == NOTICE
    style = page.evaluate("(({outlineStyle, outlineWidth}) => [outlineStyle, outlineWidth])"
                          "(getComputedStyle(document.activeElement))")  # fmt: skip
    assert style == ["solid", "3px"], "the focus is not seen"
    for _ in range(2):
        page.keyboard.press("ArrowUp")  # a week each
    page.keyboard.press("Tab")
    ready(page, "Notice after a grant of status 56 days")
    given = {f"decisions.{name}@2027-04-01": 56.0 for name in ("notice_days", "notice_days_families")}
    equal_to_the_api(page, place, given)
    live = page.locator(f'{STATUS} [role="status"][aria-live="polite"]')
    assert "2 of 2 simulations" in live.inner_text()


def test_the_page_asks_this_machine_alone_and_needs_its_token(page, page_address):
    assert page.asked and all(url.startswith(("http://127.0.0.1:", "data:", "blob:")) for url in page.asked)
    bare = page_address.partition("?")[0]
    assert "dispersal-explorer" not in urllib.request.urlopen(bare).read().decode()
    elsewhere = urllib.request.Request(page_address, headers={"Host": "elsewhere.example"})
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(elsewhere)


def test_axe_finds_nothing_serious_on_the_whole_page(page):
    one_region(page)
    assert page.evaluate("document.documentElement.lang").startswith("en")
    assert page.title() == "Dispersal explorer"
    assert grave(page, "html") == []
    unlabelled = page.evaluate("[...document.querySelectorAll('.dispersal-explorer :is(input, select, textarea)')]"
                               ".filter(e => !e.labels?.length && !e.ariaLabel).length")  # fmt: skip
    assert unlabelled == 0


@pytest.mark.parametrize(("name", "width"), [("page", 1280), ("zoomed", 640), ("narrow", 360)])
def test_nothing_is_cut_off_at_any_width(page, name, width):
    """640 is what is left of 1,280 at 200% zoom."""
    page.set_viewport_size({"width": width, "height": 1000})
    wide = page.evaluate(
        "[...document.querySelectorAll('.dispersal-explorer :is(h2, h3, p, li, label, input, select, button, img)')]"
        ".filter(e => !e.closest('.dx-scroll, .dx-wide') && e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    picture(page, name)
    assert wide == []
    page.set_viewport_size({"width": 1280, "height": 1000})


@pytest.mark.lab
def test_in_jupyterlab_the_mouse_moves_it_and_it_equals_the_api(lab, place):
    lab.get_by_label(RULE).select_option(label="Population share")
    box = lab.get_by_label(GRANT)
    box.scroll_into_view_if_needed()
    at = box.bounding_box()
    box.hover()
    lab.mouse.click(at["x"] + at["width"] - 14, at["y"] + at["height"] * 0.3)  # the small arrow upwards
    assert box.input_value() == "1300"
    ready(lab, "Grant £1,300; allocation rule population share")
    given = {"funding.grant_per_person@2027-04-01": 1300.0, "placement.rule@2027-04-01": "population_share"}
    equal_to_the_api(lab, place, given)
    picture(lab, "lab")
    rows = cells(lab, "changed")
    assert rows[GRANT][:2] == ["£1,200", "£1,300"] and "funding instruction" in rows[GRANT][-1]
    assert "grant_per_person" in lab.get_by_label("Scenario file").input_value()
    lab.get_by_role("button", name="Back to present policy").click()
    ready(lab, "As now")


@pytest.mark.lab
def test_axe_finds_nothing_serious_in_the_explorer_in_jupyterlab(lab):
    one_region(lab)
    assert grave(lab, ".dispersal-explorer") == []
