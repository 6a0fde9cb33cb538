"""The llamacpp engine's model: the manifest's, or the operator's own GGUF file; and the prompt it suits."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.model import EngineChoice
from aggregator.translate.engines import llamacpp
from aggregator.translate.engines.gguf import read_header
from aggregator.translate.engines.llamacpp import LlamaCppEngine
from aggregator.translate.engines.prompts import suited
from aggregator.translate.manifest import Model

BESIDE = 800_000_000  # bytes that the manifest's model takes beside its file: context, buffers, Python


def instead_of(model: Model, config: Config) -> Model:
    """Return a model as it stands in the manifest, or the operator's file in its place.

    Raises: EngineUnavailable where the file is not there or no GGUF file.
    """
    if model.engine != "llamacpp" or not config.llamacpp_model:
        return model
    path = _file(config)
    prompt(config)
    memory, folder = path.stat().st_size + BESIDE, config.models_folder.absolute()
    place = path.relative_to(folder) if path.is_relative_to(folder) else path
    return replace(model, label=path.stem, folder=str(place), licence="yours", memory=memory, files=())


def prompt(config: Config) -> str:
    """Return which prompt the engine uses: the setting's, or the one that suits its model.

    Raises: EngineUnavailable where the operator's file is not there or no GGUF file.
    """
    if config.llamacpp_prompt != "auto":
        return config.llamacpp_prompt
    if not config.llamacpp_model:
        return "few_shot"
    path = _file(config)
    said = path.stat()
    return _suited(path, said.st_size, said.st_mtime_ns)


def version(config: Config) -> str:
    """Return the version of the engine's prompt, for the memory's key."""
    return llamacpp.version(prompt(config), config.style)


def open_llamacpp(choice: EngineChoice, config: Config) -> LlamaCppEngine:
    """Return the engine with its model loaded.

    Raises: EngineUnavailable where it cannot be.
    """
    return LlamaCppEngine(
        config.models_folder / choice.path,
        choice.model,
        choice.target,
        prompt=prompt(config),
        style=config.style,
    )


def _file(config: Config) -> Path:
    named = Path(config.llamacpp_model).expanduser()
    folder = config.models_folder
    for path in (named, folder / named, folder / f"{named}.gguf"):
        if path.is_file():
            return path.absolute()
    raise EngineUnavailable(f"llamacpp: llamacpp_model = {named}: is no file, neither here nor in {folder}")


@lru_cache(maxsize=4)
def _suited(path: Path, _size: int, _changed: int) -> str:
    header = read_header(path)  # half a second, hence once for each state of the file
    return suited(path.name, header.name, header.template)
