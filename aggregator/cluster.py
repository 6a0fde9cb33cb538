"""Workers of a dask cluster, behind concurrent.futures.Executor: the side of who gives the jobs.

Whatever is wrong with the cluster, and not with a job, breaks what waits (WorkersLost); what no second try
mends is a ClusterError.
"""

import logging
import pkgutil
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from aggregator import remote
from aggregator.errors import ClusterError, ConfigError, VersionMismatch
from aggregator.executors import WorkersLost
from aggregator.workplaces import Workplace

log = logging.getLogger(__name__)

CONNECT = 10.0  # s; so long a scheduler is tried, and a worker waited for
LOOK = 2.0  # s between two looks at who is there
LOST = 30.0  # s without an answer of the scheduler, or without a worker: what waits breaks
ANSWER = 5.0  # s that a question may take
PATIENCE = 180.0  # s for jobs that an earlier run gave out; longer than a shard may take
_CLOSE = 3.0  # s; a network that is cut answers no farewell
_TLS = "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY"
_DOCS = "docs/scaling.md says how they are started"


class DaskExecutor(Executor):
    """Runs calls on the workers of a cluster that have the resources asked for."""

    def __init__(self, place: Workplace, owner: str) -> None:
        """Connect, look whether the workers can do our jobs, and wait for those of an earlier run.

        Raises: ConfigError, ClusterError.
        """
        self._place, self._owner = place, owner or uuid.uuid4().hex
        self._client = connect(place)
        self._waiting: dict[Future[Any], Future[Any]] = {}  # ours, theirs
        self._over = threading.Event()
        try:
            self._workers: Mapping[str, int] = _first_workers(self._client, place)
            check_versions(self._client, self._workers)
            _await_earlier(self._client, self._owner)
        except BaseException:
            _close(self._client)
            raise
        self._jobs = self._client.get_executor(pure=False, resources=dict(place.resources) or None)
        threading.Thread(target=self._watch, name="cluster-watch", daemon=True).start()

    @property
    def width(self) -> int:
        """Return how many workers can do our jobs."""
        return max(len(self._workers), 1)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **_: Any) -> Future[Any]:
        """Hand one call to a worker."""
        ours: Future[Any] = Future()
        ours.set_running_or_notify_cancel()
        call = remote.packed(fn, args)
        try:
            theirs = self._jobs.submit(remote.run, remote.VERSION, self._owner, call)
        except (OSError, RuntimeError) as error:
            raise WorkersLost(f"{self._place.scheduler_url}: {error}") from error
        self._waiting[ours] = theirs
        theirs.add_done_callback(lambda _: self._hand_on(ours, theirs))
        return ours

    def _hand_on(self, ours: Future[Any], theirs: Future[Any]) -> None:
        if self._waiting.pop(ours, None) is None:
            return  # it broke meanwhile
        if theirs.cancelled():
            ours.set_exception(WorkersLost(f"{self._place.scheduler_url}: the scheduler lost the job"))
        elif error := theirs.exception():
            ours.set_exception(translated(error))
        else:
            remote.settle(ours, theirs.result())

    def _break(self, reason: str) -> None:
        for ours in list(self._waiting):
            if self._waiting.pop(ours, None) is not None:
                ours.set_exception(WorkersLost(f"{self._place.scheduler_url}: {reason}"))

    def _watch(self) -> None:
        answered = peopled = time.monotonic()
        while not self._over.wait(LOOK):
            now = time.monotonic()
            try:
                self._note(fitting_workers(self._client, self._place))
                answered = now
            except (OSError, RuntimeError) as error:
                log.debug("cluster_silent scheduler=%s error=%s", self._place.scheduler_url, error)
            peopled = now if self._workers else peopled
            if now - answered > LOST:
                self._break(f"the scheduler has not answered for {LOST:.0f} s")
            elif now - peopled > LOST:
                self._break(f"no worker has been there for {LOST:.0f} s")

    def _note(self, workers: Mapping[str, int]) -> None:
        before, self._workers = self._workers, workers
        for address in workers.keys() - before.keys():
            log.info("worker_joined worker=%s workers=%d", address, len(workers))
        for address in before.keys() - workers.keys():
            log.warning("worker_left worker=%s workers=%d", address, len(workers))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002
        """Part from the cluster within seconds; a job in hand is done and forgotten."""
        self._over.set()
        self._break("parted from it")
        _close(self._client)

    def kill_workers(self) -> None:
        """End the worker processes that have a job of ours in hand, and part."""
        _ask(self._client, remote.drop, self._owner)
        self.shutdown()


def connect(place: Workplace) -> Any:
    """Return a client of a cluster's scheduler.

    Raises: ConfigError where something is not installed or set up, ClusterError where nobody answers.
    """
    try:
        from distributed import Client, Security
    except ImportError as error:
        raise ConfigError(f"{place.scheduler_url}: {error}; pip install 'aggregator[dask]'") from error
    _quieten()
    security = Security()
    if place.scheduler_url.startswith("tls:") and not (security.tls_ca_file and security.tls_client_cert):
        raise ConfigError(f"{place.scheduler_url}: needs {_TLS} in the environment or in dask's own settings")
    try:
        return Client(place.scheduler_url, timeout=CONNECT, security=security, set_as_default=False)
    except (OSError, ValueError) as error:
        raise ClusterError(f"{place.scheduler_url}: no scheduler answers ({error}); {_DOCS}") from error


def _quieten() -> None:
    """Have distributed's own words go where ours go, and only what is serious: the rest is said by us."""
    for name, level in (("distributed", logging.CRITICAL), ("tornado", logging.CRITICAL)):
        for logger in (logging.getLogger(each) for each in (name, f"{name}.client", f"{name}.application")):
            logger.setLevel(level)
            logger.handlers.clear()
            logger.propagate = True


def fitting_workers(client: Any, place: Workplace) -> dict[str, int]:
    """Return the threads of the workers that have the resources a job takes, by their addresses.

    Raises: OSError where the scheduler does not answer.
    """
    told = client.sync(client.scheduler.identity, n_workers=-1, callback_timeout=ANSWER)["workers"]
    return {
        address: worker["nthreads"]
        for address, worker in told.items()
        if all(worker["resources"].get(name, 0) >= amount for name, amount in place.resources)
    }


def _first_workers(client: Any, place: Workplace) -> dict[str, int]:
    until = time.monotonic() + CONNECT
    while not (found := fitting_workers(client, place)):
        if time.monotonic() > until:
            what = f"no worker with {place.wanted}" if place.resources else "no worker"
            raise ClusterError(f"{place.scheduler_url}: {what} is there; {_DOCS}")
        time.sleep(0.2)
    return found


def check_versions(client: Any, workers: Iterable[str]) -> None:
    """Look whether what runs on the workers is what runs here.

    Raises: VersionMismatch naming a worker that differs; ClusterError for one without this package.
    """
    answers = _ask(client, pkgutil.resolve_name, "aggregator.remote:VERSION", workers=list(workers))
    for address, answer in answers.items():
        if isinstance(answer, ImportError | AttributeError):
            raise ClusterError(f"worker {address}: {answer}; install there {remote.VERSION}")
        if isinstance(answer, str) and answer != remote.VERSION:
            raise VersionMismatch(f"worker {address} has {answer}; install there {remote.VERSION}")


def _ask(client: Any, fn: Callable[..., Any], *args: Any, workers: list[str] | None = None) -> dict[str, Any]:
    """Return what each worker's process answers, beside the job it is at; nothing where one of them hangs."""
    try:
        answers: dict[str, Any] = client.run(
            fn, *args, workers=workers, on_error="return", callback_timeout=ANSWER
        )
    except OSError as error:
        log.debug("workers_silent error=%s", error)
        return {}
    return answers


def _await_earlier(client: Any, owner: str) -> None:
    """Wait until no worker has a job in hand that an earlier run gave out: nobody is asked twice at once."""
    until, said = time.monotonic() + PATIENCE, False
    while any(answer is True for answer in _ask(client, remote.is_at_work_for, owner).values()):
        if not said:
            log.warning("earlier_jobs_awaited seconds=%.0f", PATIENCE)
            said = True
        if time.monotonic() > until:
            log.error("earlier_jobs_dropped")
            _ask(client, remote.drop, owner)
            return
        time.sleep(0.5)


def translated(error: BaseException) -> BaseException:
    """Return what a stage makes of an error of the cluster's."""
    from distributed.scheduler import KilledWorker

    match error:
        case VersionMismatch():
            return error
        case KilledWorker():
            return BrokenExecutor(f"{error.allowed_failures + 1} workers ended at the same job")
        case ImportError() | AttributeError():
            return ClusterError(f"a worker or the scheduler cannot load the program: {error}")
    return WorkersLost(f"{type(error).__name__}: {error}")


def _close(client: Any) -> None:
    try:
        client.close(timeout=_CLOSE)
    except (OSError, RuntimeError) as error:
        log.debug("cluster_left error=%s", error)
