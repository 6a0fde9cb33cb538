"""Imports point down: a module imports lower ranks only, and pure files touch no edge."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "aggregator"

# Lowest first (docs/architecture.md). A name ending in a dot is a package of its own.
RANKS = [
    {"errors", "model.", "times"},
    {"urls", "markup", "schedule", "rota", "workplaces", "faults", "config", "readers", "files", "keys", "operator_token", "deny_list", "traces"},
    {"websub.protocol", "outlines", "opml", "parts", "http.headers", "http.addresses", "http.unpack", "poll.parse", "poll.marks", "poll.lenient", "poll.decode", "poll.fast", "poll.fast.reader", "poll.fast.fields", "poll.fast.dates", "poll.clean", "poll.images",
     "poll.xmlfeed", "poll.jsonfeed", "poll.decide", "poll.outage", "poll.polite", "poll.shards", "poll.revise", "poll.identity", "poll.retold", "poll.wordings", "poll.filters", "poll.discover", "enrich.article", "enrich.summary", "enrich.choice", "enrich.furniture",
     "enrich.sentences", "enrich.robots", "enrich.optout", "enrich.page", "enrich.shortlink", "enrich.visit", "discuss.schedule", "translate.segment", "translate.casing", "translate.language", "translate.typography", "translate.style", "translate.engines.prompts", "translate.writing", "translate.check", "translate.sense", "translate.roles", "translate.quantity", "translate.glossary", "translate.glossary_lines", "translate.budget", "translate.route", "translate.touched",
     "retention.limits", "alarm",
     "publish.digest", "publish.charts", "publish.condition", "publish.digest_text", "publish.digest_pages",
     "serve.answer", "discuss.links", "discuss.answers", "discuss.turns", "discuss.hackernews", "discuss.lobsters", "discuss.reddit", "discuss.hatena", "discuss.wordpress", "discuss.github", "discuss.github_discussions", "discuss.github_releases", "discuss.comment_feeds", "discuss.sites", "discuss.providers", "discuss.comments", "discuss.viewpoints", "publish.comments",
     "publish.edition", "publish.archive", "publish.pictures", "publish.slugs", "publish.source_feeds", "publish.body", "publish.relayed", "publish.promote", "publish.feeds", "publish.jsonfeed", "publish.pages", "publish.linked", "publish.imprint", "publish.days", "publish.sources", "publish.counts", "publish.hot", "publish.room", "publish.subscriptions", "publish.terms", "publish.found"},
    {"discuss.access", "discuss.work", "http.hubs", "http.post", "http.shards", "http.visits", "enrich.work", "http.turns", "websub.work", "websub.spool", "websub.callback", "http", "http.curl", "http.names", "http.reach", "http.response", "poll.shard", "poll.work", "executors", "runaway", "remote", "dask_scheduler", "cluster", "notify", "lock", "signals", "reloading", "systemd", "logs", "resources", "store.", "backup", "backup.settings", "backup.bundle", "backup.making", "backup.checking", "backup.opening", "backup.recalling", "publish.write", "publish.archiving", "publish.picture_work", "publish.lists", "publish.dated", "publish.place", "publish.rendering",
     "translate.engines.", "translate.models", "translate.manifest", "translate.download", "translate.wheels",
     "publish.digests",
     "commands", "publish.changed", "publish.volume",
     "translate.chain", "translate.writer", "translate.allowance"},
    {"pipeline", "hooks", "disk"},
    {"poll.stage", "enrich.stage", "discuss.stage", "discuss.comments_stage", "discuss.viewpoints_stage", "translate.stage", "publish.stage", "publish.hub_stage", "publish.picture_stage", "publish.source_stage", "websub.stage",
     "retention.stage", "backup.stage"},
    {"backup.restoring", "search", "session", "subscribe", "takedown", "targets", "finding", "wording", "losses", "again", "why", "fate", "retellings", "check", "exchange", "stages", "status", "figures", "health", "lags", "condition", "feedlog", "measures", "troubles", "alerts", "surroundings"},
    {"daemon", "serve.", "doctor", "report", "demo."},
    {"cli."},
    {"__main__"},
]  # fmt: skip
PURE = [*RANKS[0], *RANKS[1] - {"files", "config", "keys", "operator_token", "deny_list"}, *RANKS[2]]
EDGES = {
    "socket",
    "sqlite3",
    "sqlite_utils",
    "random",
    "logging",
    "aiohttp",
    "http",
    "urllib.request",
    "subprocess",
    "time",
}
# async is for sockets alone; feedparser and feedgen have one door each.
ONLY_IN = {
    "asyncio": {"http", "serve"}, "feedparser": {"poll.lenient"}, "feedgen": {"publish.feeds"},
    "typer": {"cli"}, "pycurl": {"http"}, "sqlite3": {"store"}, "prometheus_client": {"serve"}, "apscheduler": {"schedule"},
    "distributed": {"dask_scheduler"}, "tornado": {"dask_scheduler"},
}  # fmt: skip


def _modules() -> dict[str, Path]:
    names = {}
    for path in sorted(ROOT.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        names[name.removesuffix(".__init__") if name != "__init__" else ""] = path
    return names


MODULES = _modules()


def _rank(name: str) -> int | None:
    for rank, members in enumerate(RANKS):
        if name in members or any(m.endswith(".") and f"{name}.".startswith(m) for m in members):
            return rank
    return None


def _imports(path: Path) -> list[ast.Import | ast.ImportFrom]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def _imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in _imports(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.module:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _ours(path: Path) -> set[str]:
    names = {name.removeprefix("aggregator.") for name in _imported(path) if name.startswith("aggregator.")}
    return {name for name in names if name in MODULES}


def test_every_module_has_a_rank():
    packages = {name for name in MODULES if (MODULES[name].name == "__init__.py" and _rank(name) is None)}
    assert [name for name in MODULES if _rank(name) is None and name not in packages] == []


@pytest.mark.parametrize("name", [name for name in MODULES if _rank(name) is not None])
def test_a_module_imports_lower_ranks_only(name: str):
    rank = _rank(name)
    assert rank is not None
    package = name.split(".", maxsplit=1)[0]
    for other in _ours(MODULES[name]):
        other_rank = _rank(other)
        if other_rank is None or other.split(".")[0] == package or other_rank == rank == 0:
            continue
        assert other_rank <= rank, f"{name} imports {other}"


@pytest.mark.parametrize("name", sorted(name for name in PURE if name in MODULES))
def test_a_pure_module_touches_no_edge(name: str):
    assert _imported(MODULES[name]) & EDGES == set()


@pytest.mark.parametrize("library", sorted(ONLY_IN))
def test_a_library_has_one_door(library: str):
    users = {
        name.split(".")[0] if name.split(".")[0] in ONLY_IN[library] else name
        for name, path in MODULES.items()
        if any(found == library or found.startswith(f"{library}.") for found in _imported(path))
    }
    assert users <= ONLY_IN[library]


def test_only_guarded_catches_everything():
    broad = [
        name for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and ast.unparse(node.type or ast.Name("Exception")) == "Exception"
    ]  # fmt: skip
    assert broad == ["pipeline"]
