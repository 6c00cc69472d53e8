"""`dispersal explore`: the explorer as a page of this machine's own, served by Voila on the loopback address only."""

from __future__ import annotations

import logging
import os
import tempfile
import webbrowser
from pathlib import Path
from typing import Any

import nbformat
import tornado.ioloop
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config
from voila.app import Voila

from evidence.explorer.ensemble import DESIGN, checked
from evidence.records import RunError
from params.errors import InputError

ASSETS = Path(__file__).with_name("assets")
ADDRESS = "127.0.0.1"
PORTS = range(8866, 8886)
_IDLE_SECONDS = 600  # a page that was closed without saying so keeps its model no longer than this


class Page(Voila):
    """Voila on the loopback address, for this machine's names only, with a token, and with no file from elsewhere."""

    template_paths: list[str]
    port: int

    def setup_template_dirs(self) -> None:
        """Voila's lab template, ours first."""
        super().setup_template_dirs()
        self.template_paths = [str(ASSETS / "voila"), *self.template_paths]

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings, but a page elsewhere cannot reach this one by a name of its own for this address."""
        return super().init_settings() | {"allow_remote_access": False, "local_hostnames": ["localhost"]}

    def listen(self) -> None:
        """Serve on the first free port, say where, and go on until stopped."""
        asked = self.port
        for port in [asked] if asked else PORTS:
            try:
                self.app.listen(port, self.ip)
            except OSError:
                continue
            self.port = port
            break
        else:
            taken = f"port {asked} is" if asked else f"ports {PORTS[0]} to {PORTS[-1]} are"
            raise RunError(f"{taken} in use on {ADDRESS}; end what uses it, or give another: --port 9000")
        print(f"{self.display_url}\nThe page is open to this machine alone. Ctrl-C ends it.", flush=True)
        if self.open_browser:
            webbrowser.open(self.display_url)
        self.ioloop = tornado.ioloop.IOLoop.current()
        try:
            self.ioloop.start()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()


def serve(
    runs: Path,
    port: int = 0,
    browser: bool = True,
    draws: int = DESIGN.draws,
    replications: int = DESIGN.replications,
    months: int = DESIGN.months,
) -> None:
    """Serve the explorer until Ctrl-C.

    Args:
        runs: folder of all runs, where intake forecasts are kept.
        port: port to serve on; the first free one from 8866 when 0.
        browser: whether to open it.
        draws, replications, months: as for `evidence.explore`.

    Raises:
        InputError: a port or a number that cannot be.
        RunError: no port is free.
    """
    if not 0 <= port <= 65535:
        raise InputError(f"--port is {port}; it must be from 1 to 65535.")
    checked(draws, replications, months)
    os.environ["DISPERSAL_RUNS"] = str(runs.resolve())
    with tempfile.TemporaryDirectory(prefix="dispersal-explorer-", ignore_cleanup_errors=True) as folder:
        call = f"evidence.explore(draws={draws}, replications={replications}, months={months})"
        cells = [new_markdown_cell("# Dispersal explorer"), new_code_cell(f"import evidence\n{call}")]
        notebook = new_notebook(cells=cells)
        notebook.metadata = nbformat.from_dict(
            {
                "title": "Dispersal explorer",
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
                "language_info": {"name": "python", "file_extension": ".py"},
            }
        )
        file = Path(folder) / "explorer.ipynb"
        nbformat.write(notebook, file)
        config = Config()
        config.MappingKernelManager.cull_idle_timeout = _IDLE_SECONDS
        config.MappingKernelManager.cull_interval = 60
        page = Page(
            config=config, ip=ADDRESS, port=port, open_browser=browser, notebook_path=str(file), auto_token=True,
            log_level=logging.ERROR,
        )  # fmt: skip
        page.initialize([])
        page.start()
