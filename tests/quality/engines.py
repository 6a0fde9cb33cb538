"""The engines that are here: the small model that stands in for firefox, and a general one."""

from aggregator.config import Config
from aggregator.translate import engines
from aggregator.translate.engines import Engine
from aggregator.translate.engines.firefox import FirefoxEngine
from tests.smallmodel import LABEL, model_folder

SAMPLE = 9  # every so many rows go to an engine that takes seconds for each


def small_model() -> Engine:
    """Return the English-Portuguese model of the firefox family."""
    return FirefoxEngine(model_folder(), LABEL, "pt")


def downloaded(name: str) -> Engine | None:
    """Return an engine whose model was pulled, told to write as the references do; None where not ready."""
    config = Config(engine=name, style="である")
    ready = engines.ready(config)
    return engines.open_engine(ready[0], config) if ready else None
