"""Settings: defaults, then aggregator.toml, then AGGREGATOR_* in the environment, then flags."""

import dataclasses
import os
import types
import typing
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal

from aggregator.errors import ConfigError
from aggregator.faults import faults
from aggregator.model import Extract, Origin, RetryScope
from aggregator.readers import reader

DEFAULT_FILE = "aggregator.toml"
DEFAULT_FILTERS = "filters.toml"
PREFIX = "AGGREGATOR_"

Images = Literal["none", "source", "proxy"]
Visibility = Literal["local", "private", "public"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "off"]


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Every setting. Durations are written `30s`, `15m`, `6h`, `2d`; a bare number is seconds."""

    opml: Path = _setting(Path("feeds.opml"), "the list of feeds")
    filters: Path = _setting(Path(DEFAULT_FILTERS), "rules that keep entries out, where the file is there")
    glossary: Path = _setting(Path(), "your own terms, over those of the program; empty: none")
    store: Path = _setting(Path(".aggregator/store.sqlite"), "the database")
    output: Path = _setting(Path("output"), "where feeds and pages are written")
    models: Path = _setting(Path(), "where model files are kept; empty: ~/.cache/aggregator/models")
    models_url: str = _setting("", "where `models pull firefox` looks first: a URL or a folder")
    base_url: str = _setting("", "the address output/ is served at; empty: http://<listen>/")
    site_title: str = _setting("テックニュース日本語版", "the title of the feed and its pages")
    contact: str = _setting("", "address or URL for publishers and hosts; sent in the User-Agent")
    visibility: Visibility = _setting("local", "local: this machine; private: an unguessable path; public")
    indexable: bool = _setting(False, "search engines may list the pages; with visibility = public only")
    timezone: str = _setting("Asia/Tokyo", "decides page dates, digests and daily limits")
    extract: Extract = _setting("auto", "whose text is taken: feed, page, or auto: the page's for a teaser")
    summary: Origin = _setting("extract", "extract: sentences of the source; llm: written by a model")
    headline: Literal["translate", "write"] = _setting("translate", "write: in newspaper form, by a model")
    language: str = _setting("ja", "what entries are translated into")
    engine: str = _setting("auto", "what translates: auto, none, or engines in order: deepl,firefox")
    openai_url: str = _setting("", "an OpenAI-compatible endpoint, such as http://127.0.0.1:11434/v1")
    openai_model: str = _setting("", "the model it is asked for")
    openai_key_file: Path = _setting(Path(), "its key, where AGGREGATOR_OPENAI_KEY is not set; mode 0600")
    deepl_key_file: Path = _setting(Path(), "DeepL's key, where AGGREGATOR_DEEPL_KEY is not set; mode 0600")
    deepl_url: str = _setting("", "where DeepL is asked; empty: as the key says, free or paid")
    openai_budget: str = _setting("1000000", "characters a month that it may be sent, or `3000 yen`")
    openai_yen: int = _setting(0, "what a million characters cost there, in yen")
    deepl_budget: str = _setting("500000", "characters a month that DeepL may be sent, or `1000 yen`")
    deepl_yen: int = _setting(2500, "what a million characters cost there, in yen")
    llamacpp_model: str = _setting("", "a GGUF file of your own, or its name among the models")
    llamacpp_writer: bool = _setting(False, "its model is fit to write summaries and headlines")
    llamacpp_prompt: Literal["auto", "few_shot", "chat", "cat"] = _setting("auto", "how it is asked")
    style: Literal["です・ます", "である"] = _setting("です・ます", "how sentences end, not headlines")
    engine_timeout: timedelta = _setting(timedelta(minutes=1), "one request to openai or deepl")
    untranslated: Literal["hold", "publish"] = _setting(
        "hold", "publish: untranslated entries enter the main feeds"
    )
    hold_time: timedelta = _setting(timedelta(hours=6), "how long an entry waits for its translation")
    digest_at: time | None = _setting(time(18), "when the day's digest comes out, in `timezone`; off: never")
    digest_day: Weekday = _setting("sat", "the day of the week's digest, at that hour; off: never")
    morning_at: time | None = _setting(time(6, 30), "when morning.xml changes, in `timezone`; off: never")
    max_entries: int = _setting(100, "entries in a feed; the last 48 hours are kept beyond it")
    allow_private_hosts: bool = _setting(False, "fetch from loopback and private addresses too")
    host_spacing: timedelta = _setting(timedelta(seconds=1), "between two fetches from one domain")
    retry_scope: RetryScope = _setting("host", "what a Retry-After holds for: its url, host or domain")
    listen: str = _setting("127.0.0.1:8080", "address and port of the server")
    images: Images = _setting("source", "none; source: links to entries' pictures; proxy: copies of them")
    hub: str = _setting("", "the WebSub hub that our feeds name and that is told of changes; public alone")
    search: bool = _setting(True, "the server answers /search and pages link there; false on a static host")
    counts: str = _setting("auto", "whose comment counts: auto, none, or a list: hackernews,hatena")
    counts_via: str = _setting("", "what stands in front of those addresses: a cache of your own")
    reddit_client_file: Path = _setting(
        Path(), "`id:secret` of an app, where AGGREGATOR_REDDIT_CLIENT is not set; mode 0600"
    )
    reddit_user: str = _setting("", "the account it belongs to; sent in the User-Agent")
    github_token_file: Path = _setting(Path(), "a token, where AGGREGATOR_GITHUB_TOKEN is not set; mode 0600")
    operator_token_file: Path = _setting(
        Path(), "lets you in at /operator/, where AGGREGATOR_OPERATOR_TOKEN is not set; mode 0600"
    )
    comments: str = _setting("none", "whose comments are shown: none, or hackernews,wordpress,github")
    viewpoints: bool = _setting(False, "two comments on each entry by a model, labelled as such")
    websub: Literal["auto", "on", "off"] = _setting("auto", "ask hubs: auto: while a server runs; on, off")
    poll_every: timedelta = _setting(timedelta(hours=1), "base interval between two polls of a feed")
    drop_after: timedelta = _setting(timedelta(days=180), "texts of entries older than this go; 0: never")
    keep_entries: int = _setting(0, "so many entries keep their texts, the newest; 0: no limit")
    dropped_pages: Literal["keep", "gone"] = _setting("keep", "pages of entries whose texts went")
    backups: Path = _setting(Path(), "where backups are kept; empty: in `backups` beside the store")
    backup_keep: int = _setting(7, "so many daily backups are kept; 0: none is made by itself")
    alert: str = _setting("", "told of trouble: a command, or an http(s) URL that gets JSON; empty: nobody")
    alert_after: int = _setting(3, "so many failures of a stage in a row are told")
    publish_every: timedelta = _setting(timedelta(minutes=1), "a turn of translation; others wait so long")
    schedule_poll: str = _setting("30s", "when `run` polls what is due: a duration, or a line of cron")
    schedule_translate: str = _setting("30s", "when `run` translates what waits for it")
    schedule_publish: str = _setting("30s", "when `run` publishes what changed")
    schedule_count: str = _setting("30s", "when `run` asks for the counts and comments that are due")
    schedule_care: str = _setting("30s", "when `run` looks whether old texts are to go, and other upkeep")
    schedule_digest: str = _setting("", "the hour of digests as a line of cron, instead of digest_at")
    budget_poll: timedelta = _setting(timedelta(minutes=1), "a turn of each stage from polls to summaries")
    budget_publish: timedelta = _setting(timedelta(minutes=1), "a turn of each stage that publishes")
    budget_count: timedelta = _setting(timedelta(seconds=30), "a turn of counts, and one of comments")
    budget_care: timedelta = _setting(timedelta(seconds=5), "a turn of each kind of upkeep")
    after_publish: str = _setting("", "a command that is told which files of output/ changed: rsync, rclone")
    after_backup: str = _setting("", "a command that is told of a new backup")
    hook_timeout: timedelta = _setting(timedelta(minutes=10), "so long may such a command take")
    executor_poll: str = _setting(
        "processes:1", "where polling works: inline:, processes:N or dask:tcp://host:port"
    )
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
    def backups_folder(self) -> Path:
        """Where backups are kept."""
        return self.backups if self.backups != Path() else self.store.parent / "backups"

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
    for key, fault in faults(config):
        raise ConfigError(f"{origins.get(key, '')}{fault}")
    return _with_digest(config) if config.schedule_digest else config


# Files of the machine that works, not of the one that gives out what is to be done.
_OF_THE_MACHINE = frozenset(
    {"models", "openai_key_file", "deepl_key_file", "reddit_client_file", "github_token_file"}
)


def local(config: Config, environ: Mapping[str, str] = os.environ) -> Config:
    """Return settings made elsewhere as they hold here: models and keys where this environment names them.

    Raises: ConfigError naming the variable and what was expected.
    """
    found = (each for each in _from_environ(environ) if each[1] in _OF_THE_MACHINE)
    named: dict[str, Any] = {key: _convert(origin, key, raw) for origin, key, raw in found}
    return dataclasses.replace(config, **named)


def _with_digest(config: Config) -> Config:
    """Return settings whose digests come out at the hour that a line of cron names."""
    from aggregator.schedule import daily

    return dataclasses.replace(config, digest_at=daily(config.schedule_digest, config.timezone))


def _from_file(path: Path | None) -> list[tuple[str, str, object]]:
    file = path or Path(DEFAULT_FILE)
    if path is None and not file.exists():
        return []
    import tomllib  # most settings are the defaults, or come from the environment

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


# Read elsewhere: which file holds the settings, a clock that stands still for reproducible runs, and keys,
# which are read where a request is made, lest a message about settings shows one.
_ELSEWHERE = ("CONFIG", "NOW", "OPENAI_KEY", "DEEPL_KEY", "REDDIT_CLIENT", "GITHUB_TOKEN", "OPERATOR_TOKEN")
NOT_SETTINGS = frozenset(f"{PREFIX}{name}" for name in _ELSEWHERE)


def _from_flags(flags: Mapping[str, str]) -> list[tuple[str, str, object]]:
    return [("flag", key.replace("-", "_").replace(".", "_"), value) for key, value in flags.items()]


def _convert(origin: str, key: str, raw: object) -> object:
    kinds = typing.get_type_hints(Config)
    if key not in kinds:
        close = ", ".join(sorted(kinds))
        raise ConfigError(f"{origin}: {key} is no setting; expected one of {close}")
    kind = kinds[key]
    expected, convert = reader(kind)
    try:
        return convert(raw)
    except (ValueError, TypeError) as error:
        shown = f"{PREFIX}{key.upper()}" if origin == "environment" else key
        raise ConfigError(f"{origin}: {shown} = {raw!r}: expected {expected}") from error


def described() -> list[tuple[str, str, str]]:
    """List every setting: name, default as it would be written, meaning."""
    return [(f.name, str(f.default), f.metadata["meaning"]) for f in dataclasses.fields(Config)]
