"""A dask cluster's scheduler, and what it and its workers answer: the one door to distributed."""

import logging
import pkgutil
import warnings
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any

from aggregator import remote
from aggregator.errors import ClusterError, ConfigError, VersionMismatch
from aggregator.executors import WorkersLost
from aggregator.workplaces import Workplace

log = logging.getLogger(__name__)

CONNECT = 10.0  # s
ANSWER = 5.0  # s that a question may take
_CLOSE = 3.0  # s; a network that is cut answers no farewell
_TLS = "DASK_DISTRIBUTED__COMM__TLS__CA_FILE, …__TLS__CLIENT__CERT and …__TLS__CLIENT__KEY"
_LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado", "tornado.application")
_GONE = "the scheduler is gone"
_VERSION = "aggregator.remote:VERSION"  # asked for by a function of the standard library


class Scheduler:
    """A connection to a scheduler; every question has its time."""

    def __init__(self, place: Workplace) -> None:
        """Connect.

        Raises: ConfigError where something is not installed or set up, ClusterError where nobody answers.
        """
        self.url = place.scheduler_url
        self._resources = dict(place.resources)
        self._client = self._connect()
        self._given: set[Any] = set()  # dask's futures: what is not held is forgotten there
        self._there: set[str] = set()  # when the workers that fit were last looked up
        self._fitting: dict[str, int] = {}

    def _connect(self) -> Any:
        try:
            from distributed import Client, Security
            from distributed.versions import VersionMismatchWarning
        except ImportError as error:
            raise ConfigError(f"{self.url}: {error}; pip install 'aggregator[dask]'") from error
        warnings.simplefilter("ignore", VersionMismatchWarning)  # looked at by check_versions
        warnings.filterwarnings("ignore", "Sending large graph")  # a body of 10 MB is one
        _quieten()
        security = Security()
        if self.url.startswith("tls:") and not (security.tls_ca_file and security.tls_client_cert):
            raise ConfigError(f"{self.url}: needs {_TLS}, or the same in dask's own settings")
        try:
            _knock(self.url, security)
            return Client(self.url, timeout=CONNECT, security=security, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"{self.url}: no scheduler answers ({_line(error)}); start one: dask scheduler"
            ) from error

    def is_there(self) -> bool:
        """Return whether the connection holds, as far as is known."""
        return bool(self._client.status == "running")

    def give(self, fn: Callable[..., Any], *args: Any) -> Future[Any]:
        """Have a worker that fits do a call, however often the same call was given before.

        dask's own executor leaves a future waiting for ever if its value was on its way as a scheduler ended.
        Raises: WorkersLost.
        """
        from distributed.client import ClosedClientError

        if not self.is_there():
            raise WorkersLost(f"{self.url}: {_GONE}")
        try:
            theirs = self._client.submit(fn, *args, pure=False, resources=self._resources or None)
        except ClosedClientError as error:
            raise WorkersLost(f"{self.url}: {_GONE}") from error
        given: Future[Any] = Future()
        given.set_running_or_notify_cancel()
        self._given.add(theirs)
        self._client.loop.add_callback(self._pass_on, theirs, given)
        return given

    async def _pass_on(self, theirs: Any, given: Future[Any]) -> None:
        try:
            given.set_result(await theirs.result())
        except BaseException as error:  # noqa: BLE001 - a future carries whatever was raised, as the stdlib's do
            given.set_exception(error)
        finally:
            self._given.discard(theirs)

    def cancel(self) -> None:
        """Have forgotten what was given; what a worker has in hand goes on, in vain."""
        try:
            self._client.cancel(list(self._given))
        except (OSError, RuntimeError) as error:
            log.debug("nothing_cancelled error=%s", error)

    def fitting_workers(self) -> dict[str, int]:
        """Return how many threads the workers have that fit, by their addresses.

        Raises: ClusterError where the scheduler does not answer.
        """
        there = set(self._asked(lambda: self._client.scheduler.ncores))
        if there != self._there:  # then only: it is long, where there are many
            told = self._asked(lambda: self._client.scheduler.identity, n_workers=-1)["workers"]
            self._there, self._fitting = (
                there,
                {each: told[each]["nthreads"] for each in told if self._fits(told[each])},
            )
        return self._fitting

    def _fits(self, worker: dict[str, Any]) -> bool:
        has = worker["resources"]
        return all(has.get(name, 0) >= amount for name, amount in self._resources.items())

    def _asked(self, question: Callable[[], Any], **arguments: Any) -> Any:
        if not self.is_there():
            raise ClusterError(f"{self.url}: {_GONE}")
        try:
            return self._client.sync(question(), callback_timeout=ANSWER, **arguments)
        except (OSError, RuntimeError, AttributeError) as error:  # of a client that ends meanwhile, too
            raise ClusterError(f"{self.url}: the scheduler does not answer ({_line(error)})") from error

    def ask(self, fn: Callable[..., Any], *args: Any) -> dict[str, Any]:
        """Return what workers' processes answer beside the job they are at; one that hangs is left out."""
        try:
            told = self._client.sync(self._ask_each, fn, args, callback_timeout=2 * ANSWER)
        except (OSError, RuntimeError, AttributeError) as error:
            log.debug("workers_silent error=%s", error)
            return {}
        return {address: answer for each in told for address, answer in each.items()}

    async def _ask_each(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> list[dict[str, Any]]:
        from tornado import gen

        answers: list[dict[str, Any]] = await gen.multi(
            [self._ask_one(fn, args, each) for each in self._fitting]
        )
        return answers

    async def _ask_one(self, fn: Callable[..., Any], args: tuple[Any, ...], worker: str) -> dict[str, Any]:
        from distributed.utils import wait_for

        asked = self._client.run(fn, *args, workers=[worker], on_error="return", asynchronous=True)
        try:
            return dict(await wait_for(asked, ANSWER))
        except OSError as error:
            log.debug("worker_silent worker=%s error=%s", worker, error)
            return {}

    def check_versions(self) -> None:
        """Look whether what runs on the scheduler and the workers is what runs here.

        Raises: VersionMismatch naming who differs; ClusterError for one without this package.
        """
        _check(f"scheduler {self.url}", self._scheduler_version())
        for address, told in self.ask(pkgutil.resolve_name, _VERSION).items():
            _check(f"worker {address}", told)

    def _scheduler_version(self) -> Any:
        try:
            return self._client.run_on_scheduler(pkgutil.resolve_name, _VERSION, callback_timeout=ANSWER)
        except (ImportError, AttributeError) as error:
            return error
        except (OSError, RuntimeError) as error:
            raise ClusterError(f"{self.url}: the scheduler does not answer ({_line(error)})") from error

    def close(self) -> None:
        """Part within seconds."""
        try:
            self._client.close(timeout=_CLOSE)
        except (OSError, RuntimeError) as error:
            log.debug("scheduler_left error=%s", error)


def translated(error: BaseException, url: str) -> BaseException:
    """Return what a stage makes of an error that is not the job's own."""
    from distributed.client import FutureCancelledError
    from distributed.scheduler import KilledWorker

    match error:
        case VersionMismatch():
            return error
        case FutureCancelledError():
            return WorkersLost(f"{url}: {_GONE}, and the job with it")
        case KilledWorker():
            return BrokenExecutor(f"{error.allowed_failures + 1} workers ended at one job")
        case ImportError() | AttributeError():
            return ClusterError(f"{url}: a worker cannot load the program: {_line(error)}")
    return WorkersLost(f"{url}: {type(error).__name__}: {_line(error)}")


def _knock(url: str, security: Any) -> None:
    """Connect and part again: a client waits for ever for a scheduler that takes connections and hangs.

    Raises: OSError.
    """
    from distributed.comm import connect
    from tornado.ioloop import IOLoop
    from tornado.util import TimeoutError as Late

    async def knock() -> None:
        there = await connect(url, timeout=CONNECT, **security.get_connection_args("client"))
        await there.close()

    loop = IOLoop(make_current=False)
    try:
        loop.run_sync(knock, timeout=CONNECT + 1)  # who refuses has said so by then
    except Late as error:
        raise OSError(f"it takes connections and says nothing for {CONNECT:.0f} s") from error
    finally:
        loop.close(all_fds=True)


def _check(who: str, told: object) -> None:
    if isinstance(told, ImportError | AttributeError):
        raise ClusterError(f"{who}: {told}; install there {remote.VERSION}")
    if isinstance(told, str) and told != remote.VERSION:
        raise VersionMismatch(f"{who} has {told}; install there {remote.VERSION}, and start it again")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _quieten() -> None:
    """Have distributed log where we do, and only what nobody foresaw: of the rest we speak ourselves."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.CRITICAL)
