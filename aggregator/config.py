"""Settings: defaults, then aggregator.toml, then AGGREGATOR_* in the environment, then flags."""

import dataclasses
import ipaddress
import os
import re
import tomllib
import types
import typing
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin
from urllib.parse import urlsplit

from aggregator.errors import ConfigError
from aggregator.model import RetryScope
from aggregator.times import parse_duration

DEFAULT_FILE = "aggregator.toml"
DEFAULT_FILTERS = "filters.toml"
PREFIX = "AGGREGATOR_"

Visibility = Literal["local", "private", "public"]
EngineName = Literal["auto", "firefox", "llamacpp", "none"]


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting. Durations are written `30s`, `15m`, `6h`, `2d`; a bare number is seconds."""

    opml: Path = _setting(Path("feeds.opml"), "the list of feeds")
    filters: Path = _setting(Path(DEFAULT_FILTERS), "rules that keep entries out, where the file is there")
    store: Path = _setting(Path(".aggregator/store.sqlite"), "the database")
    output: Path = _setting(Path("output"), "where feeds and pages are written")
    models: Path = _setting(Path(), "where model files are kept; empty: ~/.cache/aggregator/models")
    models_url: str = _setting("", "where `models pull firefox` looks first: a URL or a folder")
    base_url: str = _setting("", "the address output/ is served at; empty: http://<listen>/")
    site_title: str = _setting("テックニュース日本語版", "the title of the feed and its pages")
    contact: str = _setting("", "address or URL for publishers and hosts; sent in the User-Agent")
    visibility: Visibility = _setting("local", "local: this machine; private: an unguessable path; public")
    timezone: str = _setting("Asia/Tokyo", "decides page dates, digests and daily limits")
    language: str = _setting("ja", "what entries are translated into")
    engine: EngineName = _setting("auto", "what translates")
    untranslated: Literal["hold", "publish"] = _setting(
        "hold", "publish: untranslated entries enter the main feeds"
    )
    hold_time: timedelta = _setting(timedelta(hours=6), "how long an entry waits for its translation")
    max_entries: int = _setting(100, "entries in a feed; the last 48 hours are kept beyond it")
    allow_private_hosts: bool = _setting(False, "fetch from loopback and private addresses too")
    host_spacing: timedelta = _setting(timedelta(seconds=1), "between two fetches from one domain")
    retry_scope: RetryScope = _setting("host", "what a Retry-After holds for: its url, host or domain")
    listen: str = _setting("127.0.0.1:8080", "address and port of the server")
    poll_every: timedelta = _setting(timedelta(hours=1), "base interval between two polls of a feed")
    publish_every: timedelta = _setting(timedelta(minutes=1), "while a backlog is translated")
    executor_poll: str = _setting("processes:1", "where polling works: inline: or processes:N")
    executor_enrich: str = _setting("inline:", "where enriching works")
    executor_translate: str = _setting("processes:1", "where translation works")

    @property
    def site_url(self) -> str:
        """The address of output/, with a final slash."""
        return (self.base_url or f"http://{self.listen}").rstrip("/") + "/"

    @property
    def models_folder(self) -> Path:
        """Where model files are kept."""
        if self.models != Path():
            return self.models
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(cache) / "aggregator" / "models"

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone of pages and limits."""
        return zoneinfo.ZoneInfo(self.timezone)

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


def load(
    path: Path | None = None,
    environ: Mapping[str, str] = os.environ,
    flags: Mapping[str, str] = types.MappingProxyType({}),
) -> Config:
    """Read the settings; later sources win over earlier ones.

    Raises: ConfigError naming file, key and what was expected.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, key, raw in (*_from_file(path), *_from_environ(environ), *_from_flags(flags)):
        values[key] = _convert(origin, key, raw)
        origins[key] = f"{origin}: "
    config = Config(**values)
    for key, fault in _faults(config):
        raise ConfigError(f"{origins.get(key, '')}{fault}")
    return config


def _from_file(path: Path | None) -> list[tuple[str, str, object]]:
    file = path or Path(DEFAULT_FILE)
    if path is None and not file.exists():
        return []
    try:
        tree = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: is not TOML ({error})") from error
    return [(str(file), key, value) for key, value in _flatten(tree)]


def _flatten(tree: Mapping[str, object]) -> list[tuple[str, object]]:
    """`[executor] poll = …` is the setting executor_poll."""
    flat: list[tuple[str, object]] = []
    for key, value in tree.items():
        if isinstance(value, dict):
            flat += [(f"{key}_{inner}", leaf) for inner, leaf in value.items()]
        else:
            flat.append((key, value))
    return flat


def _from_environ(environ: Mapping[str, str]) -> list[tuple[str, str, object]]:
    return [
        ("environment", name.removeprefix(PREFIX).lower(), value)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in NOT_SETTINGS
    ]


# Read by cli.py itself: which file holds the settings, and a clock that stands still for reproducible runs.
NOT_SETTINGS = frozenset({f"{PREFIX}CONFIG", f"{PREFIX}NOW"})


def _from_flags(flags: Mapping[str, str]) -> list[tuple[str, str, object]]:
    return [("flag", key.replace("-", "_").replace(".", "_"), value) for key, value in flags.items()]


def _convert(origin: str, key: str, raw: object) -> object:
    kinds = typing.get_type_hints(Config)
    if key not in kinds:
        close = ", ".join(sorted(kinds))
        raise ConfigError(f"{origin}: {key} is no setting; expected one of {close}")
    kind = kinds[key]
    expected, convert = _reader(kind)
    try:
        return convert(raw)
    except (ValueError, TypeError) as error:
        shown = f"{PREFIX}{key.upper()}" if origin == "environment" else key
        raise ConfigError(f"{origin}: {shown} = {raw!r}: expected {expected}") from error


def _reader(kind: object) -> tuple[str, Callable[[object], object]]:
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        return " | ".join(choices), lambda raw: choices[choices.index(raw)]
    return _READERS[kind]


_MOST = 1_000_000_000
_LONGEST = timedelta(days=3650)  # what can still be taken from today's date


def _bool(raw: object) -> bool:
    if isinstance(raw, bool):
        return raw
    return {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }[_text(raw).lower()]


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(raw)
    return raw


def _int(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | str):
        raise TypeError(raw)
    number = int(raw)
    if not 1 <= number <= _MOST:
        raise ValueError(raw)
    return number


def _duration(raw: object) -> timedelta:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise TypeError(raw)
    duration = parse_duration(str(raw))
    if duration > _LONGEST:
        raise ValueError(raw)
    return duration


def _path(raw: object) -> Path:
    try:
        return Path(_text(raw)).expanduser()
    except RuntimeError as error:  # ~ of a user that does not exist
        raise ValueError(raw) from error


def _looked_up(convert: Callable[[object], object]) -> Callable[[object], object]:
    def read(raw: object) -> object:
        try:
            return convert(raw)
        except KeyError as error:
            raise ValueError(raw) from error

    return read


_READERS: dict[object, tuple[str, Callable[[object], object]]] = {
    Path: ("a path", _path),
    str: ("text", _text),
    bool: ("true or false", _looked_up(_bool)),
    int: (f"a whole number of 1 or more, up to {_MOST}", _int),
    timedelta: ("a duration such as 30s, 15m, 6h or 2d, ten years at most", _duration),
}


def _faults(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the settings that are well formed but cannot work, each with what was expected."""
    if not _works(lambda: config.zone):
        yield "timezone", f"timezone = {config.timezone!r}: expected a zone name such as Asia/Tokyo"
    for key in ("executor_poll", "executor_enrich", "executor_translate"):
        if not _EXECUTOR.fullmatch(getattr(config, key)):
            yield key, f"{key} = {getattr(config, key)!r}: expected inline: or processes:N, N from 1 to 999"
    if not _works(lambda: config.address) or not config.address[0] or not 0 <= config.address[1] <= 65535:
        yield "listen", f"listen = {config.listen!r}: expected address:port such as 127.0.0.1:8080"
    elif config.visibility == "local" and not _is_loopback(config.address[0]):
        remedy = "set visibility to private or public"
        yield "listen", f"listen = {config.listen!r}: visibility = local serves on 127.0.0.1 only; {remedy}"
    if config.base_url and not _is_http(config.base_url):
        yield "base_url", f"base_url = {config.base_url!r}: expected an http or https URL"
    missing = [name for name in ("base_url", "contact") if not getattr(config, name)]
    if config.visibility == "public" and missing:
        yield "visibility", f"visibility = public: {' and '.join(missing)} must be set"


_EXECUTOR = re.compile(r"inline:|processes:[1-9]\d{0,2}")  # as executors.open_workers reads it


def _works(look_up: Callable[[], object]) -> bool:
    try:
        look_up()
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # OSError: a zone that is a folder
        return False
    return True


def _is_http(url: str) -> bool:
    return _works(lambda: urlsplit(url)) and bool(re.match(r"https?://[^/]", url, re.IGNORECASE))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def described() -> list[tuple[str, str, str]]:
    """List every setting: name, default as it would be written, meaning."""
    return [(f.name, str(f.default), f.metadata["meaning"]) for f in dataclasses.fields(Config)]
