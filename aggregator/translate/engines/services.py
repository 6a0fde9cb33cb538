"""Engines that are services rather than models: whether they are configured, and opening one.

They take the text elsewhere, and may cost money: none is used unless the operator named an address or a key.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.model import EngineChoice
from aggregator.translate import budget
from aggregator.translate.engines import deepl, openai
from aggregator.translate.engines.deepl import DeepLEngine
from aggregator.translate.engines.openai import OpenAIEngine
from aggregator.translate.engines.service import Meter, Service, read_key

ServiceEngine = OpenAIEngine | DeepLEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceKind:
    """One kind of service."""

    configured: Callable[[Config], bool]
    lacking: Callable[[Config], str]  # what to set, where something is not
    choice: Callable[[Config], EngineChoice]
    open: Callable[[EngineChoice, Config], ServiceEngine]


def is_near(url: str) -> bool:
    """Return whether a URL names this machine or a private network by address, as Ollama is reached."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def is_paid(name: str, config: Config) -> bool:
    """Return whether an engine's use is limited by a budget: whatever is far away or has a price."""
    if name == "openai":
        return bool(config.openai_yen) or not is_near(config.openai_url)
    return name == "deepl"


def price(name: str, config: Config) -> int:
    """Return what a million characters cost.

    Units: yen.
    """
    return {"openai": config.openai_yen, "deepl": config.deepl_yen}.get(name, 0)


def monthly(name: str, config: Config) -> int:
    """Return a paid engine's budget for a month.

    Units: characters.
    """
    text = {"openai": config.openai_budget, "deepl": config.deepl_budget}[name]
    return budget.monthly(text, price(name, config))


def obstacle(name: str, config: Config) -> str:
    """Return why a service cannot work now and the next step, in one line, or ""."""
    try:
        reason = SERVICES[name].lacking(config)
    except EngineUnavailable as error:
        reason = str(error)
    return reason and f"{name}: {reason}"


def _openai_lacking(config: Config) -> str:
    missing = [key for key in ("openai_url", "openai_model") if not getattr(config, key)]
    if missing:
        return f"{' and '.join(missing)} must be set"
    if not read_key(openai.VARIABLE, config.openai_key_file) and not is_near(config.openai_url):
        return f"no key; set {openai.VARIABLE} in the environment, or openai_key_file"
    return ""


def _openai_choice(config: Config) -> EngineChoice:
    return EngineChoice(
        name="openai", model=config.openai_model, target=config.language,
        version=openai.version(config.language, config.style),
        paid=is_paid("openai", config), writes=True,
    )  # fmt: skip


def _open_openai(choice: EngineChoice, config: Config) -> OpenAIEngine:
    key = read_key(openai.VARIABLE, config.openai_key_file)
    url = config.openai_url.rstrip("/") + "/chat/completions"
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    service = Service("openai", url, headers, config.engine_timeout, Meter(choice.allowance))
    return OpenAIEngine(service, choice.model, choice.target, config.style)


def _deepl_key(config: Config) -> str:
    return read_key(deepl.VARIABLE, config.deepl_key_file)


def _deepl_lacking(config: Config) -> str:
    return "" if _deepl_key(config) else f"no key; set {deepl.VARIABLE} in the environment, or deepl_key_file"


def _deepl_choice(config: Config) -> EngineChoice:
    return EngineChoice(
        name="deepl", model=deepl.MODEL, target=config.language,
        version=deepl.version(config.language, config.style), paid=True,
    )  # fmt: skip


def _open_deepl(choice: EngineChoice, config: Config) -> DeepLEngine:
    key = _deepl_key(config)
    headers = {"Authorization": f"DeepL-Auth-Key {key}"}
    url = config.deepl_url or deepl.address(key)
    service = Service("deepl", url, headers, config.engine_timeout, Meter(choice.allowance))
    return DeepLEngine(service, choice.model, choice.target, config.style)


def _has_deepl_key(config: Config) -> bool:
    return config.deepl_key_file != Path() or bool(_deepl_key(config))


# Best first, as `auto` takes them before any model of this machine.
SERVICES: dict[str, ServiceKind] = {
    "openai": ServiceKind(
        configured=lambda config: bool(config.openai_url),
        lacking=_openai_lacking,
        choice=_openai_choice,
        open=_open_openai,
    ),
    "deepl": ServiceKind(
        configured=_has_deepl_key, lacking=_deepl_lacking, choice=_deepl_choice, open=_open_deepl
    ),
}
