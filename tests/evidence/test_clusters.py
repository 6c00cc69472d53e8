"""Clusters: the same bytes on a real scheduler and worker, workers that die or differ, and what would be submitted."""

from __future__ import annotations

import datetime
import ipaddress
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from two_arms import STUDY, receipts, write_study

from evidence.records import REPOSITORY, RunError
from evidence.studies import clusters
from evidence.studies.engine import open_study, run_plan, run_study
from evidence.studies.plans import plan
from params import InputError

pytestmark = pytest.mark.behaviour

# Kills the worker in the middle of its first part, once.
DEADLY = """
import os, signal
from pathlib import Path
import sim
real = getattr(sim.simulate, "real", sim.simulate)  # a preload may be read twice
def simulate(*given, **named):
    mark = Path(os.environ["MARK"])
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given, **named)
simulate.real = real
sim.simulate = simulate
"""


@contextmanager
def dask(*words: str, **environment: str):
    """A `dask scheduler` or `dask worker` of its own, ended with its children at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dask", *words],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), **environment},
        cwd="/",  # Python would find the code of the working folder first
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def scheduler(folder: Path, *words: str):
    """The address of a scheduler on loopback."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    with dask(
        "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file), *words
    ) as process:
        while not (file.is_file() and file.read_text().strip()):
            assert process.poll() is None
            time.sleep(0.1)
        yield json.loads(file.read_text())["address"]


def worker(address: str, *words: str, **environment: str):
    return dask("worker", address, "--nthreads", "2", "--no-dashboard", *words, **environment)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    few = 'months = 3\noutputs = ["supported_at_month_end", "grant_in_month"]'
    return write_study(tmp_path_factory.mktemp("study"), STUDY.replace("months = 6", few))


@pytest.fixture(scope="module")
def on_threads(file) -> dict[str, str]:
    """Receipts of the study simulated on one thread."""
    runs = file.parent / "runs"
    return receipts(runs, run_study(file, runs, workers=1))


def test_a_cluster_writes_the_same_bytes_and_survives_a_killed_worker(file, on_threads, tmp_path):
    (tmp_path / "deadly.py").write_text(DEADLY)
    mark = tmp_path / "killed"
    with scheduler(tmp_path) as address, worker(address, "--preload", str(tmp_path / "deadly.py"), MARK=str(mark)):
        study_id = run_plan(plan(file), tmp_path / "runs", scheduler=address)
    assert mark.exists()
    assert receipts(tmp_path / "runs", study_id) == on_threads
    assert len(on_threads) == 2
    assert open_study(study_id, tmp_path / "runs").sizes["draw"] == 2


def test_tls_and_a_worker_with_other_code(file, on_threads, tmp_path):
    paths = certificates(tmp_path)
    tls = [word for key, path in paths.items() for word in (f"--tls-{key}{'-file' if key == 'ca' else ''}", str(path))]
    other = tmp_path / "other"
    for room in ("params", "forecasts", "sim", "evidence"):
        shutil.copytree(REPOSITORY / room, other / room, ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "sim" / "clock.py").open("a") as changed:
        changed.write("\n# another version\n")
    with scheduler(tmp_path, "--protocol", "tls", *tls) as address:
        cluster = tmp_path / "cluster.toml"
        lines = [f'{key} = "{path}"' for key, path in paths.items()]
        cluster.write_text("\n".join([f'kind = "address"\naddress = "{address}"\n[tls]', *lines]))
        with worker(address, *tls, PYTHONPATH=str(other)), pytest.raises(RunError) as told:
            run_plan(plan(file), tmp_path / "runs", scheduler=str(cluster))
        assert "worker on " in str(told.value)
        assert "cannot be resumed here: the model is version" in str(told.value)
        assert not receipts(tmp_path / "runs", plan(file).id)
        with worker(address, *tls):
            study_id = run_plan(plan(file), tmp_path / "runs", scheduler=str(cluster))
        with pytest.raises(RunError, match="cannot be reached or set up"):
            run_plan(plan(file), tmp_path / "again", scheduler=address.replace("tls://", "tcp://"))
    assert receipts(tmp_path / "runs", study_id) == on_threads


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, and a certificate for loopback that it signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    keys = {name: ec.generate_private_key(ec.SECP256R1()) for name in ("ca", "cluster")}
    names = {name: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]) for name in keys}
    now = datetime.datetime.now(datetime.UTC)
    paths = {"ca": folder / "ca.pem", "cert": folder / "cluster.pem", "key": folder / "cluster.key"}
    for name, path in (("ca", paths["ca"]), ("cluster", paths["cert"])):
        loopback = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        made = (
            x509.CertificateBuilder()
            .subject_name(names[name])
            .issuer_name(names["ca"])
            .public_key(keys[name].public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=name == "ca", path_length=None), critical=True)
            .add_extension(loopback, critical=False)
            .sign(keys["ca"], hashes.SHA256())
        )
        path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    kind = serialization.PrivateFormat.PKCS8
    paths["key"].write_bytes(
        keys["cluster"].private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption())
    )
    return paths


def test_processes_of_this_machine_write_the_same_bytes(file, on_threads, tmp_path):
    study_id = run_plan(plan(file), tmp_path / "runs", workers=2, scheduler="local")
    assert receipts(tmp_path / "runs", study_id) == on_threads


def test_a_scheduler_that_is_not_there_is_named(file, tmp_path, monkeypatch):
    monkeypatch.setattr(clusters, "_CONNECT_SECONDS", 1)
    with pytest.raises(RunError, match=r"tcp://127.0.0.1:9: cannot be reached or set up"):
        run_plan(plan(file), tmp_path / "runs", scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize("kind", ["ssh", "slurm", "kubernetes"])
def test_the_shipped_examples_hold(kind):
    assert clusters.chosen(kind).kind == kind


def test_what_ssh_would_be_told(tmp_path):
    known = tmp_path / "known_hosts"
    known.write_text("")
    file = tmp_path / "ours.toml"
    file.write_text(f"""kind = "ssh"
scheduler = "node1"
workers = ["node2", "node3", "node3"]
threads = 8
python = "/opt/dispersal/.venv/bin/python"
user = "analyst"
port = 2222
known_hosts = "{known}"
""")
    told = clusters.ssh_options(clusters.chosen(str(file)))
    assert told["hosts"] == ["node1", "node2", "node3", "node3"]
    assert told["connect_options"] == {"port": 2222, "username": "analyst", "known_hosts": str(known)}
    assert told["worker_options"] == {"nthreads": 8}
    assert told["remote_python"] == "/opt/dispersal/.venv/bin/python"
    assert told["security"] is None


def test_the_job_that_slurm_would_be_given(tmp_path):
    from dask_jobqueue.slurm import SLURMJob

    paths = certificates(tmp_path)
    file = tmp_path / "ours.toml"
    file.write_text(
        """kind = "slurm"
jobs = 4
cores = 16
memory = "32 GB"
walltime = "04:00:00"
python = "/opt/dispersal/.venv/bin/python"
queue = "compute"
account = "lga"
[tls]
"""
        + "\n".join(f'{key} = "{path}"' for key, path in paths.items())
    )
    found = clusters.chosen(str(file), workers=9)
    assert found.jobs == 9
    told = clusters.slurm_options(found)
    own = {key: value for key, value in told.items() if key != "scheduler_options"}
    script = SLURMJob("tls://10.0.0.1:8786", name="worker", protocol="tls://", **own).job_script()
    for line in ("#SBATCH -p compute", "#SBATCH -A lga", "#SBATCH --cpus-per-task=16", "#SBATCH --mem=30G",
                 "#SBATCH -t 04:00:00", "/opt/dispersal/.venv/bin/python -m distributed.cli.dask_worker "
                 "tls://10.0.0.1:8786", "--nthreads 16", f"--tls-key {paths['key']}", "--protocol tls://"):  # fmt: skip
        assert line in script, script


def test_the_pods_that_kubernetes_would_be_asked_for():
    found = clusters.chosen("kubernetes", workers=7)
    spec = clusters.kubernetes_spec(found)
    assert (spec["kind"], spec["metadata"]["name"]) == ("DaskCluster", "dispersal")
    assert spec["spec"]["worker"]["replicas"] == 7
    for role in ("scheduler", "worker"):
        pod = spec["spec"][role]["spec"]
        assert pod["volumes"] == [{"name": "runs", "persistentVolumeClaim": {"claimName": "dispersal-runs"}}]
        assert pod["containers"][0]["volumeMounts"] == [{"name": "runs", "mountPath": "/srv/dispersal/runs"}]
        assert pod["containers"][0]["image"] == "dispersal-workbench:0.1.0"
    worker = spec["spec"]["worker"]["spec"]["containers"][0]
    assert worker["resources"]["limits"] == {"cpu": "4", "memory": "8Gi"}
    assert worker["args"][:4] == ["dask", "worker", "--nthreads", "4"]


SSH = """kind = "ssh"
scheduler = "node1"
workers = ["node1"]
threads = 8
python = "/opt/python"
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("threads", "thread"), "thread is not a key. Nearest: threads."),
        (('kind = "ssh"', 'kind = "shh"'), "kind: shh is not a kind of cluster. Nearest: ssh."),
        (('kind = "ssh"', ""), "is not a kind of cluster"),
        (("threads = 8", "threads = 0"), "threads: Input should be greater than or equal to 1"),
        (("threads = 8", 'threads = "8"'), "threads: Input should be a valid integer"),
        (('"node1"]', '"node1; rm x"]'), "workers.0: 'node1; rm x' cannot be used here."),
        (('"/opt/python"', '"/opt/python -c x"'), "python: '/opt/python -c x' cannot be used here."),
        (('["node1"]', "[]"), "workers: List should have at least 1 item"),
        (("threads = 8", "threads = 8\nkey = '/nowhere/id'"), "key: /nowhere/id is no file."),
        (('thon"\n', "thon\"\n[tls]\nca='/a'\ncert='/b'\nkay='/c'"), "tls.kay is not a key. Nearest: key."),
        (('thon"\n', "thon\"\n[tls]\nca='/a'\ncert='/b'\nkey='/c'"), "tls.ca: /a is no file."),
    ],
)  # fmt: skip
def test_a_cluster_file_that_cannot_be_used_is_refused(tmp_path, change, said):
    assert change[0] in SSH
    file = tmp_path / "ours.toml"
    file.write_text(SSH.replace(*change))
    with pytest.raises(InputError) as told:
        clusters.chosen(str(file))
    assert said in str(told.value) and str(file) in str(told.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("slrm", "--scheduler: slrm is not an address, a kind of cluster or a file. Nearest: slurm."),
        ("tcp://nowhere", "--scheduler: address: 'tcp://nowhere' cannot be used here."),
        ("tls://10.0.0.1:8786", "TLS needs certificates"),
        ("none.toml", "none.toml: no such file"),
    ],
)
def test_a_scheduler_that_cannot_be_used_is_refused_before_anything_is_written(file, tmp_path, given, said):
    with pytest.raises(InputError) as told:
        run_plan(plan(file), tmp_path / "runs", scheduler=given)
    assert said in str(told.value)
    assert not (tmp_path / "runs").exists()


def test_workers_go_with_clusters_that_are_set_up_here():
    with pytest.raises(InputError, match="--workers: goes with threads, local, Slurm and Kubernetes"):
        clusters.chosen("tcp://10.0.0.1:8786", workers=4)
