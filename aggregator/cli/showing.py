"""Commands that show the result: the server, where it is read, and the demo."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from aggregator.cli.common import address, leave, open_session, opened, take_up
from aggregator.config import Config
from aggregator.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aggregator.serve import Server

app = typer.Typer()


@app.command()
def serve(context: typer.Context) -> None:
    """Serve the output folder until ^C; SIGHUP has the settings read anew.

    Example: aggregator --set listen=127.0.0.1:9000 serve
    """
    from aggregator.serve import Server

    config = context.obj.config()
    with Server(config) as server:
        _say_serving(config)
        _serve_on(server, config, context.obj.config)


def _serve_on(server: "Server", config: Config, read: "Callable[[], Config]") -> None:
    from aggregator import reloading
    from aggregator.signals import Asked

    asked = Asked()
    asked.listen(reload=True)
    while not asked.stop:
        asked.wait()
        if asked.reload:
            asked.reload = False
            if new := reloading.settings(read, config):
                config = new
                reloading.serve(server.adopt, new)


def _say_serving(config: Config) -> None:
    print(f"serving {config.output} on {address(config)} — end with ^C", flush=True)


@app.command()
def url(
    context: typer.Context,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new private address; the old one ends.")
    ] = False,
) -> None:
    """Print where the feeds are read.

    Example: aggregator url --rotate
    """
    from aggregator.publish.place import addresses
    from aggregator.publish.stage import STAGE
    from aggregator.store import publications

    config = context.obj.config()
    if rotate and config.visibility != "private":
        raise ConfigError("--rotate: visibility is not private")
    if rotate:
        with open_session(config, "url --rotate", "60s", quiet=True) as session:
            publications.private_path(session.db, rotate=True)
            session.run(STAGE)
    with opened(config) as db:
        for place in addresses(db, config).values():
            print(place)


@app.command()
def demo(
    context: typer.Context,
    end: Annotated[bool, typer.Option("--exit", help="End instead of serving the result.")] = False,
    feeds_only: Annotated[
        bool, typer.Option("--feeds-only", help="Serve the feeds alone; prints their OPML.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the demo's own feeds.")] = 8731,
) -> None:
    """Serve feeds of our own on this machine and run the whole path over them.

    Example: aggregator demo --exit
    """
    from aggregator.demo import run as demo_run
    from aggregator.serve import Server
    from aggregator.signals import wait_for_signal

    if feeds_only:
        demo_run.serve_feeds(port)
        return
    config = demo_run.config(context.obj.config(), port, explicit=context.obj.given())
    with nullcontext() if end else Server(config):  # a busy address is said before minutes of translation
        with demo_run.feeds(config, port) as feeds, open_session(config, "demo", "60s") as session:
            reports = demo_run.walk(session, feeds, take_up, served=not end)
        leave(reports, None)
        if not end and not session.stop():
            _say_serving(config)
            wait_for_signal()
