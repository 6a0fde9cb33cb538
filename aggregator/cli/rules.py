"""Commands about the rules of filters.toml."""

from typing import Annotated

import typer

from aggregator.cli.common import Json, clock, duration, opened, take_up_list

app = typer.Typer()
filter_app = typer.Typer(no_args_is_help=True, help="The rules that keep entries out.")


@filter_app.command("test")
def try_rules(
    context: typer.Context,
    starter: Annotated[bool, typer.Option("--starter", help="Try the starter list too.")] = False,
    days: Annotated[str, typer.Option("--last", help="How far to look back.")] = "7d",
    as_json: Json = False,
) -> None:
    """Show what the last 7 days would have lost, by rule; nothing changes.

    Example: aggregator filter test
    """
    from aggregator import losses
    from aggregator.report import show
    from aggregator.session import read_filters

    config = context.obj.config()
    rules = read_filters(config)
    if starter:
        rules |= losses.read_starter()
    with opened(config) as db:
        take_up_list(db, config)
        rows, lost, seen = losses.by_rule(db, config, rules, clock(), duration(days, "--last"))
    show(rows, losses.COLUMNS, as_json=as_json)
    if not as_json:
        print(f"{lost} of {seen} entries of the last {days} would have been lost")


@filter_app.command("starter")
def starter_list() -> None:
    """Print rules to start from: deals, sponsored posts, live blogs.

    Example: aggregator filter starter > filters.toml
    """
    from aggregator.losses import starter

    print(starter(), end="")


app.add_typer(filter_app, name="filter")
