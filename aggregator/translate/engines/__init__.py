"""Translation engines, one file each, behind one Protocol; which of them are ready, and opening one."""

import importlib.util
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

from aggregator import workplaces
from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.model import EngineChoice
from aggregator.resources import memory_obstacle
from aggregator.translate.engines import firefox, llamacpp, own, services
from aggregator.translate.engines.services import SERVICES, ServiceEngine
from aggregator.translate.manifest import MANIFEST, Model, find, missing

SAMPLE = "The company released version 12.1 of its open-source database."


class Engine(Protocol):
    """What translates.

    An engine is made and used in one thread of one process, and lives as long as that process.
    """

    name: str
    model: str
    version: str  # of prompt and placeholder form
    target: str  # language code
    placeholder: str  # written form with one {n} field, e.g. "[{n}]"

    @property
    def steady(self) -> bool:
        """Return whether the same segment always gets the same answer, so that asking again is in vain."""
        ...

    def translate(self, segments: Sequence[str]) -> list[str]:
        """Return one translation for each segment, in order.

        Raises: EngineUnavailable where the engine cannot work at all.
        """
        ...


@runtime_checkable
class Writer(Protocol):
    """What writes about a text; an engine that can is one too."""

    def write(self, instructions: str, source_text: str, max_tokens: int) -> str:
        """Return what is written, unchecked; "" where it was cut off, empty or refused.

        Shape: the source is handed over as quoted data, apart from the instructions.
        Raises: EngineUnavailable where the engine cannot work at all.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of engine."""

    package: str  # what must be importable
    install: str  # how to get it
    lacking: Callable[[], str] = str  # what else the system must have, where it has it not
    version: Callable[[Config], str]
    slow: bool
    open: Callable[[EngineChoice, Config], Engine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One translation made to see whether an engine works."""

    engine: str
    model: str
    source: str
    text: str
    seconds: float  # with loading
    sent: int | None = None  # characters a service was sent, retries included; None: a model of this machine


# Engines with a model on this machine, best first.
KINDS: dict[str, Kind] = {
    "firefox": Kind(
        package=firefox.PACKAGE,
        install="pip install fxtranslate",
        version=lambda _: firefox.VERSION,
        slow=False,
        open=lambda choice, config: firefox.FirefoxEngine(
            config.models_folder / choice.path, choice.model, choice.target
        ),
    ),
    "llamacpp": Kind(
        package=llamacpp.PACKAGE,
        install="pip install 'aggregator[llamacpp]'",
        lacking=llamacpp.lacking,
        version=own.version,
        slow=True,
        open=own.open_llamacpp,
    ),
}


def ready(config: Config, manifest: Path = MANIFEST) -> tuple[EngineChoice, ...]:
    """Return the engines that can work now, best first; none is no error."""
    names = [name for name in wanted(config) if not obstacle(name, config, manifest)]
    return tuple(_chosen(name, config, manifest) for name in names)


def why_not(config: Config, manifest: Path = MANIFEST) -> tuple[str, ...]:
    """Return a line for each wanted engine that is not ready: the reason and the next step."""
    reasons = (obstacle(name, config, manifest) for name in wanted(config))
    return tuple(reason for reason in reasons if reason)


def of_feed(own: str, config: Config) -> Config:
    """Return the settings as they are for feeds with an `engine` of their own, "" for the others."""
    return replace(config, engine=own) if own else config


def obstacle(name: str, config: Config, manifest: Path = MANIFEST) -> str:
    """Return why an engine cannot work now and the next step, in one line, or ""."""
    if name in SERVICES:
        return services.obstacle(name, config)
    if name not in KINDS:
        return f"{name}: is no engine; there are {', '.join((*SERVICES, *KINDS))}"
    try:
        model = model_of(name, config, manifest)
    except EngineUnavailable as error:
        return str(error)
    if importlib.util.find_spec(KINDS[name].package) is None:
        return f"{name}: the package {KINDS[name].package} is not installed; run `{KINDS[name].install}`"
    if lacking := KINDS[name].lacking():
        return f"{name}: {lacking}"
    if missing(model, config):
        return f"{name}: its model is not here; run `aggregator models pull {name}`"
    return _memory_obstacle(model, config)


def model_of(name: str, config: Config, manifest: Path = MANIFEST) -> Model:
    """Return the model an engine works with.

    Raises: EngineUnavailable where it has none for the language, or the operator's own is not there.
    """
    return own.instead_of(find(name, config.language, manifest), config)


def open_engine(choice: EngineChoice, config: Config) -> Engine:
    """Return the engine of a choice: a model loaded once in each thread, or a service with its own meter.

    Raises: EngineUnavailable where it cannot be loaded.
    """
    if choice.name in SERVICES:
        return SERVICES[choice.name].open(choice, config)
    engines: dict[tuple[EngineChoice, Path], Engine] = _of_thread.__dict__.setdefault("engines", {})
    key = choice, config.models_folder
    if key not in engines:
        engines[key] = KINDS[choice.name].open(choice, config)
    return engines[key]


def sample(name: str, config: Config, manifest: Path = MANIFEST, allowance: int | None = None) -> Sample:
    """Translate one sentence with a named engine, within `allowance`.

    Raises: EngineUnavailable where it is not ready.
    """
    reason = obstacle(name, config, manifest)
    if reason:
        raise EngineUnavailable(reason)
    started = time.monotonic()
    engine = open_engine(replace(_chosen(name, config, manifest), allowance=allowance), config)
    (text,) = engine.translate([SAMPLE])
    return Sample(
        engine=name,
        model=engine.model,
        source=SAMPLE,
        text=text,
        seconds=time.monotonic() - started,
        sent=engine.spent if isinstance(engine, ServiceEngine) else None,
    )


_found_to_fit: set[tuple[Model, str]] = set()  # and where it is loaded
_of_thread = threading.local()  # fxtranslate's Translator panics when another thread uses it


def wanted(config: Config) -> tuple[str, ...]:
    """Name the engines of the chain, ready or not: the setting's, or all that `auto` can mean."""
    if config.engine == "auto":
        return (*(name for name, kind in SERVICES.items() if kind.configured(config)), *KINDS)
    return tuple(name for part in config.engine.split(",") if (name := part.strip()) != "none")


def _chosen(name: str, config: Config, manifest: Path) -> EngineChoice:
    if name in SERVICES:
        return SERVICES[name].choice(config)
    return _choice(model_of(name, config, manifest), config)


def lacking_memory(need: int, config: Config) -> str:
    """Return why a model does not fit into memory, in one line, or ""; never where it is loaded elsewhere."""
    return "" if workplaces.read(config.executor_translate).is_elsewhere else memory_obstacle(need)


def _memory_obstacle(model: Model, config: Config) -> str:
    """Ask until a model fits, then no more: once loaded it would count against itself."""
    key = model, config.executor_translate
    if key in _found_to_fit:
        return ""
    reason = lacking_memory(model.memory, config)
    if not reason:
        _found_to_fit.add(key)
    return reason and f"{model.engine}: {reason}"


def _choice(model: Model, config: Config) -> EngineChoice:
    kind = KINDS[model.engine]
    return EngineChoice(
        name=model.engine,
        model=model.label,
        target=model.target,
        path=model.folder or model.files[0].name,
        version=kind.version(config),
        slow=kind.slow,
        writes=model.engine == "llamacpp" and config.llamacpp_writer,
    )
