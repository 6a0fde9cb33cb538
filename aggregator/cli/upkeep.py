"""Commands that say how things are, and care for the engines' models."""

from typing import Annotated

import typer

from aggregator.cli.common import (
    Json,
    Wait,
    clock,
    counted,
    duration,
    leave,
    open_session,
    opened,
    take_up_list,
)

SHOWN = 10  # feeds in trouble; the overview has to stay on the screen

app = typer.Typer()
models_app = typer.Typer(no_args_is_help=True, help="The model files of the translation engines.")


@app.command()
def status(context: typer.Context, as_json: Json = False) -> None:
    """Say at a glance what works, what does not and why.

    Example: aggregator status --json | jq .figures
    """
    from aggregator import figures
    from aggregator.report import facts, show
    from aggregator.status import collect

    config = context.obj.config()
    with opened(config) as db:
        take_up_list(db, config)
        overview, troubled = collect(db, config, clock())
        raw = figures.collect(db, config, clock()) if as_json else {}
    if as_json:
        facts({**overview, "figures": raw, "troubled": troubled}, as_json=True)
        return
    facts(overview)
    if troubled:
        print()
        show(troubled[:SHOWN], ("state", "title", "failures", "failure", "next_poll_at", "listed_url"))
    if troubled[SHOWN:]:
        print(f"and {len(troubled) - SHOWN} more: aggregator list")


@app.command()
def doctor(context: typer.Context) -> None:
    """Check packages, clock, network, store, disk, permissions, models and feeds.opml, with the next steps.

    Example: aggregator doctor
    """
    from aggregator.doctor import examine

    findings = examine(context.obj.config(), clock())
    for finding in findings:
        print(f"{'ok  ' if finding.ok else 'FAIL' if finding.serious else 'note'}  {finding.text}")
        if finding.next_step:
            print(f"      → {finding.next_step}")
    if any(finding.serious and not finding.ok for finding in findings):
        raise typer.Exit(1)


@app.command()
def prune(
    context: typer.Context,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much it is, and do nothing.")] = False,
    compact: Annotated[
        bool, typer.Option("--compact", help="Write the store anew without free room: takes time and disk.")
    ] = False,
    wait: Wait = "60s",
) -> None:
    """Drop texts of old entries now, as a round does once a day.

    Example: aggregator prune --dry-run
    """
    from aggregator.retention import stage
    from aggregator.store import retention

    config = context.obj.config()
    if dry_run:
        with opened(config) as db:
            print(stage.forecast(db, config, clock()))
        return
    with open_session(config, "prune", wait) as session:
        stage.begin(session.db)
        report = session.run(stage.STAGE)
        print(f"{counted(report.units, 'entry', 'entries')} dropped", flush=True)
        if compact and not session.stop():
            retention.compact(session.db)
    leave([report], None)


@models_app.command("list")
def models_list(context: typer.Context, as_json: Json = False) -> None:
    """List the engines, their models and whether they are ready.

    Example: aggregator models list
    """
    from aggregator.report import show
    from aggregator.translate import models

    rows = models.overview(context.obj.config())
    show(rows, ("name", "model", "state", "download", "memory", "licence", "next"), as_json=as_json)


@models_app.command("pull")
def models_pull(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="firefox | llamacpp")] = "firefox",
    first_byte: Annotated[str, typer.Option(help="Give up where no byte came by then.")] = "30s",
) -> None:
    """Download an engine's model; a broken download goes on where it stopped.

    Example: aggregator models pull firefox
    """
    from aggregator.report import download
    from aggregator.translate import models

    config = context.obj.config()
    plan = models.plan(name, config)
    print(f"{name}: {plan.sentence()}", flush=True)
    with download(name) as progress:
        path = models.pull(name, config, progress, duration(first_byte, "--first-byte"))
    print(f"{name}: ready in {path}")


@models_app.command("test")
def models_test(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="firefox | llamacpp | openai | deepl")] = "firefox",
) -> None:
    """Translate a sentence with an engine, and check it like any other; a paid one's budget counts it.

    Exit code 1 where the checks refuse it.

    Example: aggregator models test firefox
    """
    from aggregator.translate import allowance, models
    from aggregator.translate.check import check
    from aggregator.translate.engines import services

    config = context.obj.config()
    if services.is_paid(name, config):
        with opened(config) as db:
            sample = allowance.sample(db, config, name, clock())
    else:
        sample = models.test(name, config)
    reasons = check(sample.source, sample.text, config.language)
    print(f"{sample.source}\n{sample.text}")
    print(f"refused: {'; '.join(reasons)}" if reasons else "passed the checks")
    print(f"({sample.engine} {sample.model}, {sample.seconds:.1f} s with loading)")
    if reasons:
        raise typer.Exit(1)


@models_app.command("remove")
def models_remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="firefox | llamacpp")],
) -> None:
    """Delete an engine's model, and what broken downloads of it left.

    Example: aggregator models remove llamacpp
    """
    from aggregator.resources import megabytes
    from aggregator.translate import models

    print(f"{name}: {megabytes(models.remove(name, context.obj.config()))} freed")


app.add_typer(models_app, name="models")
