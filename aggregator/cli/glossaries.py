"""Commands about the operator's glossary."""

from typing import Annotated

import typer

from aggregator.cli.common import Json, opened

app = typer.Typer()
glossary_app = typer.Typer(no_args_is_help=True, help="Terms with a rendering of their own.")

Term = Annotated[str, typer.Argument(help="The English term, or a name as it is written.")]


@glossary_app.command("list")
def list_terms(context: typer.Context, as_json: Json = False) -> None:
    """List the terms that hold: yours, then the program's.

    Example: aggregator glossary list
    """
    from aggregator import wording
    from aggregator.report import show

    rows = [
        {
            "term": term.line.term,
            "rendering": term.line.rendering,
            "note": term.line.note,
            "of": "you" if term.own else "program",
        }
        for term in wording.terms(context.obj.config())
    ]
    show(rows, wording.COLUMNS, as_json=as_json)


@glossary_app.command("set")
def set_term(
    context: typer.Context,
    term: Term,
    rendering: Annotated[str, typer.Argument(help="rendering|accepted|…, or = for a name that stays.")],
    note: Annotated[str, typer.Option(help="What the line is for.")] = "",
) -> None:
    """Write a term's line in your glossary; what it touches is made again by `retranslate`.

    Example: aggregator glossary set startup スタートアップ && aggregator retranslate --glossary-changed
    """
    from aggregator import wording
    from aggregator.translate.glossary_lines import Line

    config = context.obj.config()
    with opened(config) as db:
        wording.put(db, config, Line(term=term, rendering=rendering, note=note))
    print(f"{term} is {rendering}, written to {config.glossary}")


@glossary_app.command("remove")
def remove_term(context: typer.Context, term: Term) -> None:
    """Take a term out of your glossary; the program's line for it, if any, holds again.

    Example: aggregator glossary remove Kubernetes
    """
    from aggregator import wording

    config = context.obj.config()
    with opened(config) as db:
        wording.drop(db, config, term)
    print(f"{term} is out of {config.glossary}")


app.add_typer(glossary_app, name="glossary")
