"""In Debian's chromium: the pages work from a folder without a network, and the notebooks run in a real JupyterLab.

`make docs-check` runs the first notebook and the tutorials in JupyterLab (marker `lab`): beside other work they can
take longer than a test should. Every test run executes the same cells without a browser.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request

import pytest
from learning import QUICK

pytestmark = pytest.mark.notebooks

CHROMIUM = shutil.which("chromium") or ""
if not CHROMIUM:
    pytest.skip("chromium is not on this machine", allow_module_level=True)

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
MAIN_PAGES = ("index", "tutorials/notice", "howto/scenario", "reference/assumptions", "search")
ACCESSIBLE = {
    "light": ("index", "tutorials/notice", "howto/scenario", "reference/sim", "search"),
    "dark": ("index", "howto/scenario"),
}
SECONDS = 240  # a machine that is busy with other work


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def lab(learn):
    """Address and token of a JupyterLab on the copied notebooks, whose studies are kept already."""
    token, port = "learn", 8900 + os.getpid() % 900
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *(f"--ServerApp.root_dir={learn.parent}", f"--IdentityProvider.token={token}", "--allow-root"),
        *("--LabApp.expose_app_in_browser=True", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    ]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address = f"http://127.0.0.1:{port}"
        answering(f"{address}/api/status?token={token}", server)
        yield address, token
    finally:
        server.terminate()
        try:
            server.wait(timeout=SECONDS)
        finally:
            server.kill()


def answering(address: str, server: subprocess.Popen) -> None:
    for _ in range(10 * SECONDS):
        assert server.poll() is None, "JupyterLab ended"
        try:
            urllib.request.urlopen(address, timeout=5)
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("JupyterLab does not answer")


def run_all(browser, lab, name: str) -> None:
    """Open a notebook in JupyterLab, run all its cells, and wait until the last one has run."""
    address, token = lab
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    page.set_default_timeout(1000 * SECONDS)
    try:
        page.goto(f"{address}/lab/tree/learn/{name}.ipynb?token={token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-CodeCell")
        page.evaluate("window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
        page.wait_for_function("document.querySelector('.jp-NotebookPanel .jp-Notebook-ExecutionIndicator')"
                               "?.getAttribute('data-status') === 'idle'")  # fmt: skip
        page.click('.lm-MenuBar-item:has-text("Run")')
        page.click('.lm-Menu-item[data-command="runmenu:run-all"]')
        # A cell that fails ends the run, and those after it never count.
        code = f"({NOTEBOOK}).cells.filter(c => c.cell_type === 'code')"
        page.wait_for_function(
            f"{code}.every(c => c.execution_count) || {code}.some(c => c.outputs.some(o => o.output_type === 'error'))"
        )
        cells = [cell for cell in page.evaluate(NOTEBOOK)["cells"] if cell["cell_type"] == "code"]
        errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
        assert not errors, errors[0]["evalue"]
        # Cells out of sight are not in the page, so what they show is read from the notebook.
        data = [output.get("data", {}) for cell in cells for output in cell["outputs"]]
        shown = "".join(str(one.get("text/html", "")) for one in data)
        assert '<figure class="exhibit figure"' in shown and "alt=" in shown
    finally:
        page.close()


NOTEBOOK = "window.jupyterapp.shell.currentWidget.content.model.toJSON()"


@pytest.mark.lab
@pytest.mark.parametrize("name", QUICK)
def test_a_notebook_runs_in_jupyterlab(browser, lab, name):
    run_all(browser, lab, name)


def test_the_site_is_read_from_a_folder_and_asks_the_network_for_nothing(browser, site):
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in MAIN_PAGES:
        page.goto((site / f"{name}.html").as_uri())
    page.goto((site / "search.html").as_uri() + "?q=handback")
    page.wait_for_selector("#search-results li a")
    assert any("handback_rate" in text for text in page.locator("#search-results li").all_text_contents())
    assert asked and not [url for url in asked if not url.startswith(("file:", "data:"))]
    page.close()


def test_axe_finds_nothing_serious_on_the_main_pages(browser, site):
    from axe_core_python.sync_playwright import Axe

    found = {}
    for scheme, names in ACCESSIBLE.items():
        page = browser.new_page(viewport={"width": 1300, "height": 900}, color_scheme=scheme)
        for name in names:
            page.goto((site / f"{name}.html").as_uri())
            serious = [v for v in Axe().run(page)["violations"] if v["impact"] in ("serious", "critical")]
            found |= {f"{scheme} {name}: {v['id']}: {v['nodes'][0]['html'][:160]}": v["help"] for v in serious}
        page.close()
    assert not found, "\n".join(found)
