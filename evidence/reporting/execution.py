"""The report's notebooks executed, each in a kernel of its own and two at a time; one counts when every cell completed.

Notebooks that run together keep their exhibits apart; these are then put together in the notebooks' order, so that the
report is the same however many ran at once.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from evidence.exhibits import VIEWS, read_index, read_views
from evidence.records import RunError, write_json
from evidence.verify import EXHIBITS, INDEX
from params import InputError
from params.errors import unknown

# A kernel keeps a core busy; more at once than this would fill the memory of a small machine with copies of one study.
AT_ONCE = 2


class _Kernel(AsyncKernelManager):
    """A kernel that can be ended from outside the thread that waits for it."""

    alive: set[_Kernel] = set()

    async def _async_post_start_kernel(self, **options: Any) -> None:
        await super()._async_post_start_kernel(**options)
        _Kernel.alive.add(self)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        _Kernel.alive.discard(self)
        await super()._async_cleanup_resources(restart)

    @classmethod
    def end_all(cls) -> None:
        """Kill every kernel; whoever waits for one is told that it died."""
        for kernel in tuple(cls.alive):
            process = getattr(kernel.provisioner, "process", None)
            if process is not None:
                process.kill()


def execute_all(
    sources: Mapping[str, Path],
    parameters: Mapping[str, Mapping[str, object]],
    folder: Path,
    executed: Path,
    last: Sequence[str],
    say: Callable[[str], None],
) -> tuple[list[Path], int]:
    """Execute notebooks two at a time and put their exhibits into one folder in the notebooks' order.

    Args:
        sources: notebook by name, in order.
        parameters: scalars for each, by name; the folder of exhibits is set here.
        folder: folder of the report, where the notebooks work; its exhibits are filled.
        executed: where the executed notebooks go.
        last: notebooks that read what the others showed; they run after all of them, in order.
        say: told what is being done.

    Returns:
        The executed notebooks in order, and the number of code cells that completed.

    Raises:
        InputError: for a parameter that a notebook does not have, or a value it refuses.
        RunError: when a notebook does not complete; the other kernels are ended.
    """
    exhibits = folder / EXHIBITS
    targets = {name: executed / f"{name}.ipynb" for name in sources}
    cells = 0

    def run(name: str, out: Path) -> int:
        say(f"  notebook {name}")
        out.mkdir(exist_ok=True)
        own = {**parameters[name], "out": out.relative_to(folder).as_posix()}
        return execute(sources[name], targets[name], own, folder)

    together = [name for name in sources if name not in last]
    begun: dict[str, Future[int]] = {}
    with own_kernel():
        pool = ThreadPoolExecutor(AT_ONCE, "notebook")
        try:
            begun |= {name: pool.submit(run, name, exhibits / name) for name in together}
            stopped, _ = wait(begun.values(), return_when=FIRST_EXCEPTION)
            for future in stopped:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(future.done() for future in begun.values()):
                _Kernel.end_all()
                time.sleep(0.1)
            raise
        finally:
            pool.shutdown()
        for name in together:
            if merge(exhibits / name, exhibits):
                cells += begun[name].result()
            else:
                cells += run(name, exhibits)
            _note_origin(exhibits, name)
        for name in last:
            if name in sources:
                cells += run(name, exhibits)
                _note_origin(exhibits, name)
    return list(targets.values()), cells


def merge(part: Path, whole: Path) -> bool:
    """Move one notebook's exhibits to those of the notebooks before it, each id once.

    Returns:
        False, and nothing moved, when an id is taken by other content: its notebook then has to run with the others'
        exhibits before it, and gives that exhibit a longer id.
    """
    index, more = read_index(whole), read_index(part)
    taken = {entry["id"]: entry["sha256"] for entry in index}
    sound = all(taken.get(entry["id"], entry["sha256"]) == entry["sha256"] for entry in more)
    if sound:
        new = [entry for entry in more if entry["id"] not in taken]
        for entry in new:
            for name in entry["files"]:
                os.replace(part / name, whole / name)
        write_json(whole / INDEX, [*index, *new])
        write_json(whole / VIEWS, read_views(whole) | read_views(part))
    shutil.rmtree(part)
    return sound


def execute(source: Path, target: Path, parameters: Mapping[str, object], cwd: Path) -> int:
    """Execute one notebook; it counts only when every code cell completed.

    Args:
        source: notebook as committed.
        target: where the executed notebook goes.
        parameters: scalars for the cell tagged `parameters`.
        cwd: folder the notebook works in.

    Returns:
        The number of code cells that completed.

    Raises:
        InputError: for a parameter that the notebook does not have, or a value it refuses.
        RunError: when a cell failed, or the kernel died before the last cell.
    """
    import papermill
    from papermill.exceptions import PapermillExecutionError
    from papermill.log import logger

    for name in parameters:
        known_parameter(source, name)
    logger.setLevel(logging.CRITICAL)  # what goes wrong is raised below, and said once
    try:
        papermill.execute_notebook(
            str(source.resolve()),
            str(target.resolve()),
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            log_output=False,
            # One write at the end: what is written after each cell would grow with every picture, and nobody reads it.
            request_save_on_cell_execute=False,
            kernel_manager_class=_Kernel,
            shutdown_kernel="immediate",
            # Papermill's own `cwd` moves this whole process, which two notebooks at a time cannot share.
            resources={"metadata": {"path": str(cwd.resolve())}},
        )
    except PapermillExecutionError as error:
        first = str(error.evalue).strip().splitlines()[0] if str(error.evalue).strip() else "no message"
        if error.ename == InputError.__name__:
            raise InputError(f"{source.name}: {error.evalue}") from error
        raise RunError(f"{source.name}: cell {error.cell_index} failed with {error.ename}: {first}") from error
    except RuntimeError as error:  # nbclient's DeadKernelError among others
        raise RunError(f"{source.name}: the kernel died ({error})") from error
    notebook = json.loads(target.read_text(encoding="utf-8"))
    unfinished = unfinished_cells(notebook)
    if unfinished:
        raise RunError(f"{source.name}: cell {unfinished[0]} did not complete; the report is not made")
    done = _code_cells(notebook)
    if any(cell not in done for cell in _code_cells(json.loads(source.read_text(encoding="utf-8")))):
        raise RunError(f"{source.name}: a cell is missing from what was executed; the report is not made")
    # Papermill notes where the files lay on this machine; a report that travels says their names only.
    notebook["metadata"]["papermill"] |= {"input_path": source.name, "output_path": target.name}
    target.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return len(done)


def _code_cells(notebook: Mapping[str, Any]) -> list[str]:
    """Source of every code cell that is not empty."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [source for source in sources if source.strip()]


def unfinished_cells(notebook: Mapping[str, Any]) -> list[int]:
    """Positions of code cells that did not complete, by Papermill's own mark on each cell.

    A dead kernel leaves no exception behind, so the absence of an error says nothing.
    """
    positions = []
    for position, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] != "code" or not "".join(cell["source"]).strip():
            continue
        mark = cell["metadata"].get("papermill", {})
        failed = any(output.get("output_type") == "error" for output in cell["outputs"])
        if mark.get("status") != "completed" or mark.get("exception") or failed:
            positions.append(position)
    return positions


def known_parameters(source: Path) -> list[str]:
    """Names of a notebook's parameters."""
    import papermill

    return list(papermill.inspect_notebook(str(source)))


def known_parameter(source: Path, name: str) -> None:
    """Refuse a parameter that a notebook does not have.

    Raises:
        InputError: names the nearest.
    """
    known = known_parameters(source)
    if name not in known:
        raise unknown(source.name, "a parameter of this notebook", name, known)


@contextmanager
def own_kernel() -> Iterator[None]:
    """Make `python3` mean this interpreter, whatever kernels and start-up files the user has installed."""
    with tempfile.TemporaryDirectory(prefix="dispersal-kernel-") as temporary:
        home = Path(temporary)
        spec = home / "kernels" / "python3"
        spec.mkdir(parents=True)
        launch = ["-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}", "--log-level=ERROR"]
        command = [sys.executable, *launch]
        content = {"argv": command, "display_name": "Python 3", "language": "python"}
        (spec / "kernel.json").write_text(json.dumps(content), encoding="utf-8")
        paths = [str(home), *filter(None, [os.environ.get("JUPYTER_PATH")])]
        wanted = {
            "JUPYTER_PATH": os.pathsep.join(paths),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "IPYTHONDIR": str(home / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
        }
        before = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _note_origin(exhibits: Path, notebook: str) -> None:
    """Note in the index which notebook made an exhibit, so that it can be made again alone."""
    write_json(exhibits / INDEX, [{"notebook": notebook} | entry for entry in read_index(exhibits)])
