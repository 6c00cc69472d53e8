"""Clusters that simulate a study: processes of this machine, a scheduler that runs already, SSH, Slurm, Kubernetes.

A cluster file is TOML, read through a strict door. Every machine needs the same code, packages and reference tables
(workers refuse otherwise) and a shared disk that holds the runs folder under the same path. Dask trusts whoever reaches
its scheduler: without TLS a cluster is for a closed network alone.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from evidence.records import RunError
from params.errors import InputError, unknown
from params.register import ROOT, describe, read_toml

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

FOLDER = ROOT / "clusters"
_CONNECT_SECONDS = 20
# What reaches a shell or a job script is held to plain characters.
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:@/+-]{0,199}$")]
PathText = Annotated[str, StringConstraints(pattern=r"^[~/A-Za-z0-9][A-Za-z0-9._/+-]{0,299}$")]
Count = Annotated[int, Field(ge=1, le=10_000)]
_STRICT = ConfigDict(frozen=True, extra="forbid", strict=True)


class Tls(BaseModel):
    """Paths of PEM files: who signs, this cluster's certificate, and its key; the same on every machine."""

    model_config = _STRICT
    ca: PathText
    cert: PathText
    key: PathText

    def security(self) -> Security:
        """Encryption that every connection must use."""
        from distributed.security import Security

        found = {"tls_ca_file": _path(self.ca)}
        for role in ("client", "scheduler", "worker"):
            found |= {f"tls_{role}_cert": _path(self.cert), f"tls_{role}_key": _path(self.key)}
        return Security(require_encryption=True, **found)

    def config(self) -> dict[str, Any]:
        """The same as Dask's configuration, which machines that Dask starts inherit."""
        found: dict[str, Any] = {"distributed.comm.require-encryption": True}
        found |= {"distributed.comm.tls.ca-file": _path(self.ca)}
        for role in ("client", "scheduler", "worker"):
            found |= {f"distributed.comm.tls.{role}.cert": _path(self.cert)}
            found |= {f"distributed.comm.tls.{role}.key": _path(self.key)}
        return found


class Address(BaseModel):
    """A scheduler that runs already, as `dask scheduler` prints it."""

    model_config = _STRICT
    kind: Literal["address"]
    address: Annotated[str, StringConstraints(pattern=r"^(tcp|tls)://[A-Za-z0-9._:\[\]-]+:\d{1,5}$")]
    tls: Tls | None = None


class Local(BaseModel):
    """Processes of this machine, one thread each: where there are many cores, they wait for nobody's interpreter lock.

    Attributes:
        workers: processes; every core when left out.
    """

    model_config = _STRICT
    kind: Literal["local"]
    workers: Count | None = None


class Ssh(BaseModel):
    """A scheduler and workers that Dask starts through SSH.

    Attributes:
        scheduler: host of the scheduler.
        workers: host of each worker; a host that is named twice has two.
        threads: of each worker.
        python: the interpreter of the project's environment on the hosts.
        user: to log in as; the present one when left out.
        port: of the SSH servers.
        known_hosts: file of the hosts' keys; the user's own when left out. An unknown host is refused.
        key: private key to log in with; the user's own when left out.
    """

    model_config = _STRICT
    kind: Literal["ssh"]
    scheduler: Word
    workers: Annotated[list[Word], Field(min_length=1)]
    threads: Count
    python: PathText
    user: Word | None = None
    port: Annotated[int, Field(ge=1, le=65_535)] = 22
    known_hosts: PathText | None = None
    key: PathText | None = None
    tls: Tls | None = None


class Slurm(BaseModel):
    """Workers as Slurm jobs; the scheduler runs here, on a node that the jobs can reach.

    Attributes:
        jobs: jobs asked for, each one worker.
        cores: of each job, which are its worker's threads.
        memory: of each job, such as "16 GB".
        walltime: of each job, as hours:minutes:seconds.
        python: the interpreter of the project's environment on the nodes.
        queue: partition.
        account: who is charged.
        interface: network interface that nodes reach each other by, such as "ib0".
        logs: folder of the jobs' logs.
    """

    model_config = _STRICT
    kind: Literal["slurm"]
    jobs: Count
    cores: Count
    memory: Annotated[str, StringConstraints(pattern=r"^\d+ ?(MB|GB|MiB|GiB)$")]
    walltime: Annotated[str, StringConstraints(pattern=r"^(\d+-)?\d{1,3}:\d{2}:\d{2}$")]
    python: PathText
    queue: Word | None = None
    account: Word | None = None
    interface: Word | None = None
    logs: PathText | None = None
    tls: Tls | None = None


class Kubernetes(BaseModel):
    """Pods of Dask's operator, with a volume that holds the runs folder.

    Attributes:
        name: of the cluster.
        namespace: where it runs.
        image: container image with the project's environment.
        workers: pods.
        threads: of each pod's worker, and the processors it asks for.
        memory: of each pod, such as "8Gi".
        claim: persistent volume claim of the shared disk.
        mount: where the pods see it: the same path as here.
    """

    model_config = _STRICT
    kind: Literal["kubernetes"]
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,40}$")]
    namespace: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")] = "default"
    image: Word
    workers: Count
    threads: Count
    memory: Annotated[str, StringConstraints(pattern=r"^\d+(Mi|Gi)$")]
    claim: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")]
    mount: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+$")]


Cluster = Address | Local | Ssh | Slurm | Kubernetes
KINDS: dict[str, type[Cluster]] = {
    "address": Address, "local": Local, "ssh": Ssh, "slurm": Slurm, "kubernetes": Kubernetes
}  # fmt: skip


def chosen(given: str, workers: int | None = None) -> Cluster:
    """The cluster that `--scheduler` names: an address, local, a kind with its file in `params/clusters`, or a file.

    Args:
        given: such as tcp://10.0.0.1:8786, local, slurm or my_cluster.toml.
        workers: replaces the file's number of processes, jobs or pods.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    if "://" in given:
        if given.startswith("tls://"):
            raise InputError(
                f"--scheduler {given}: TLS needs certificates. Put kind = \"address\", the address and [tls] with ca, "
                f"cert and key in a file, and give the file."
            )
        found = _checked({"kind": "address", "address": given}, "--scheduler")
    elif given.endswith(".toml"):
        found = read_cluster(Path(given))
    elif given == "local":
        found = Local(kind="local")
    elif given in KINDS and given != "address":
        found = read_cluster(FOLDER / f"{given}.toml")
    else:
        kinds = [kind for kind in KINDS if kind != "address"]
        raise unknown("--scheduler", "an address, a kind of cluster or a file", given, kinds)
    if workers is None:
        return found
    if isinstance(found, Slurm):
        return found.model_copy(update={"jobs": workers})
    if isinstance(found, Local | Kubernetes):
        return found.model_copy(update={"workers": workers})
    raise InputError(f"--workers: goes with threads, local, Slurm and Kubernetes; {given} has its own workers.")


def read_cluster(file: Path) -> Cluster:
    """Read a cluster file.

    Raises:
        InputError: names the file, the key and the nearest valid name.
    """
    return _checked(read_toml(file), str(file))


def _checked(table: dict[str, Any], place: str) -> Cluster:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise unknown(f"{place}: kind", "a kind of cluster", str(kind), KINDS)
    try:
        found = KINDS[kind].model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "string_pattern_mismatch":
            key = ".".join(map(str, first["loc"]))
            raise InputError(f"{place}: {key}: {first['input']!r} cannot be used here.") from None
        own = Tls if any(len(e["loc"]) > 1 and e["loc"][0] == "tls" for e in error.errors()) else KINDS[kind]
        raise InputError(f"{place}: {describe(error, list(own.model_fields))}.") from None
    for name in ("tls", "known_hosts", "key"):
        own_path = getattr(found, name, None)
        paths = vars(own_path).items() if isinstance(own_path, Tls) else [("", own_path)] if own_path else []
        for key, path in paths:
            if not Path(_path(path)).is_file():
                raise InputError(f"{place}: {f'{name}.{key}'.rstrip('.')}: {path} is no file.")
    if isinstance(found, Address) and (found.tls is not None) != found.address.startswith("tls://"):
        raise InputError(f"{place}: address: tls:// and the table [tls] go together.")
    return found


def _path(given: str) -> str:
    return os.path.expanduser(given)


def ssh_options(found: Ssh) -> dict[str, Any]:
    """What `distributed.SSHCluster` is told."""
    protocol = {"protocol": "tls"} if found.tls else {}
    connect: dict[str, Any] = {"port": found.port}
    connect |= {"username": found.user} if found.user else {}
    connect |= {"known_hosts": _path(found.known_hosts)} if found.known_hosts else {}
    connect |= {"client_keys": [_path(found.key)]} if found.key else {}
    return {
        "hosts": [found.scheduler, *found.workers],
        "connect_options": connect,
        "scheduler_options": {"port": 0, "dashboard": False, **protocol},
        "worker_options": {"nthreads": found.threads, **protocol},
        "remote_python": _path(found.python),
        "security": found.tls.security() if found.tls else None,
        "silence_logs": logging.WARNING,
    }


def slurm_options(found: Slurm) -> dict[str, Any]:
    """What `dask_jobqueue.SLURMCluster` is told: one worker a job, with as many threads as cores."""
    return {
        "cores": found.cores,
        "processes": 1,
        "memory": found.memory,
        "walltime": found.walltime,
        "queue": found.queue,
        "account": found.account,
        "python": _path(found.python),
        "interface": found.interface,
        "log_directory": _path(found.logs) if found.logs else None,
        "job_name": "dispersal",
        "death_timeout": 120,
        "worker_extra_args": ["--no-dashboard"],
        "scheduler_options": {"dashboard": False},
        "security": found.tls.security() if found.tls else None,
    }


def kubernetes_spec(found: Kubernetes) -> dict[str, Any]:
    """The resource that Dask's operator is given: scheduler and workers, each with the shared disk."""
    from dask_kubernetes.operator import make_cluster_spec

    resources = {"cpu": str(found.threads), "memory": found.memory}
    spec: dict[str, Any] = make_cluster_spec(
        name=found.name,
        image=found.image,
        n_workers=found.workers,
        resources={"requests": resources, "limits": resources},
        env={"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"},
        worker_command=f"dask worker --nthreads {found.threads}",
    )
    for role in ("scheduler", "worker"):
        pod = spec["spec"][role]["spec"]
        pod["volumes"] = [{"name": "runs", "persistentVolumeClaim": {"claimName": found.claim}}]
        pod["containers"][0]["volumeMounts"] = [{"name": "runs", "mountPath": found.mount}]
    return spec


@contextmanager
def connected(scheduler: str, workers: int | None, say: Callable[[str], None]) -> Iterator[Client]:
    """A client of the cluster that `--scheduler` names, which is set up first and taken down after, if need be.

    Args:
        scheduler: as `chosen` takes it.
        workers: as `chosen` takes it.
        say: told where the study runs.

    Raises:
        RunError: it cannot be reached or set up.
    """
    import dask
    from distributed import Client

    found = chosen(scheduler, workers)
    tls = None if isinstance(found, Local | Kubernetes) else found.tls
    # A part whose worker died is given out again by the study; with Dask's own retries it can hang for ever.
    config = {"distributed.scheduler.allowed-failures": 0} | (tls.config() if tls else {})
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(config))
        try:
            target = found.address if isinstance(found, Address) else stack.enter_context(_started(found))
            client = stack.enter_context(
                Client(
                    target,
                    security=tls.security() if tls else None,
                    timeout=_CONNECT_SECONDS,
                    set_as_default=False,
                )
            )
            client.run_on_scheduler(_fail_at_once())
        except Exception as error:
            raise RunError(f"{_named(found)}: cannot be reached or set up ({_told(error)})") from error
        threads = client.nthreads()
        if isinstance(found, Local):
            say(f"  on {len(threads)} {'process' if len(threads) == 1 else 'processes'} of this machine")
        else:
            say(f"  on {client.scheduler.address}: {len(threads)} workers, {sum(threads.values())} threads now")
        yield client


def _fail_at_once() -> Callable[..., None]:
    """A function that a scheduler without this project can run: Dask sends a nested one whole."""

    def setting(dask_scheduler: Any = None) -> None:
        dask_scheduler.allowed_failures = 0

    return setting


def _started(found: Local | Ssh | Slurm | Kubernetes) -> Any:
    """A cluster set up by Dask, as a context that takes it down."""
    if isinstance(found, Local):
        from distributed import LocalCluster

        count = found.workers or os.cpu_count() or 1
        return LocalCluster(
            n_workers=count, threads_per_worker=1, host="127.0.0.1", dashboard_address=None,
            silence_logs=logging.WARNING,
        )  # fmt: skip
    if isinstance(found, Ssh):
        from distributed import SSHCluster

        return SSHCluster(**ssh_options(found))
    if isinstance(found, Slurm):
        from dask_jobqueue import SLURMCluster

        return SLURMCluster(n_workers=found.jobs, **slurm_options(found))
    from dask_kubernetes.operator import KubeCluster

    return KubeCluster(custom_cluster_spec=kubernetes_spec(found), namespace=found.namespace)


def _named(found: Cluster) -> str:
    return found.address if isinstance(found, Address) else found.kind


def _told(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return re.sub(r"\s+", " ", lines[0])[:200] if lines else type(error).__name__
