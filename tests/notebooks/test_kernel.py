"""A notebook's kernel: long work shows how far it is, an interrupt stops it cleanly, and the same cell resumes it."""

import os
import time
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

pytestmark = pytest.mark.notebooks

CELL = """
import evidence, sim

def near_population(councils, now):
    return councils.population

rule = sim.Rules(attraction=near_population)
found = evidence.compare({{"Near people": rule}}, draws={draws}, replications=2, months=1, name="stopped", workers=1)
found
"""


class Kernel:
    """A kernel with its messages."""

    def __init__(self, folder: Path) -> None:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "DISPERSAL_RUNS": str(folder)}
        self.manager = KernelManager(kernel_name="python3")
        self.manager.start_kernel(env=environment, cwd=str(folder))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=120)

    def run(self, code: str, interrupt_at: str = "") -> list[dict]:
        """What a cell says, interrupted once a message holds a text."""
        request, said = self.client.execute(code), []
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            message = self.client.get_iopub_msg(timeout=300)
            if message["parent_header"].get("msg_id") != request:
                continue
            said.append(message)
            if interrupt_at and interrupt_at in str(message["content"]):
                self.manager.interrupt_kernel()
                interrupt_at = ""
            if message["msg_type"] == "status" and message["content"]["execution_state"] == "idle":
                return said
        raise TimeoutError(code)


@pytest.fixture
def kernel(tmp_path):
    own = Kernel(tmp_path)
    yield own
    own.client.stop_channels()
    own.manager.shutdown_kernel(now=True)


def test_an_interrupted_cell_keeps_what_was_finished_and_resumes(kernel, tmp_path):
    said = kernel.run(CELL.format(draws=200), interrupt_at=" left")
    (error,) = (m["content"] for m in said if m["msg_type"] == "error")
    assert error["ename"] == "Interrupted" and "the same call resumes it" in error["evalue"]
    lines = [m["content"]["data"]["text/plain"] for m in said if "display_data" in m["msg_type"]]
    assert lines[0].endswith(" left") and lines[-1].split(",")[-1].startswith(" stopped after")
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.glob("stopped-*/parts/*.npz")}
    assert parts and not list(tmp_path.glob("stopped-*/parts/.*")), "a part is whole or absent"

    again = kernel.run(CELL.format(draws=200), interrupt_at=" left")
    first = next(m["content"]["data"]["text/plain"] for m in again if m["msg_type"] == "display_data")
    assert int(first.split()[0].replace(",", "")) >= len(parts), "it began again"
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in parts.items())

    shown = kernel.run(CELL.format(draws=1))
    (result,) = (m["content"]["data"] for m in shown if m["msg_type"] == "execute_result")
    assert "<caption>" in result["text/html"] and "Kept as stopped-" in result["text/html"]
