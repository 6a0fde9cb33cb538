"""Commands about the operator's page."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
operator_app = typer.Typer(no_args_is_help=True, help="The operator's page, /operator/.")


@operator_app.command("token")
def make_token(
    context: typer.Context,
    rotate: Annotated[bool, typer.Option("--rotate", help="Another one; every log-in ends.")] = False,
) -> None:
    """Make the token that lets you in at /operator/, in a file that only you can read.

    Example: aggregator operator token && cat .aggregator/operator.token
    """
    from aggregator import operator_token

    config = context.obj.config()
    path = operator_token.make(config, anew=rotate)
    print(f"token written to {path}")
    if config.operator_token_file == Path():
        print(f'add to aggregator.toml: operator_token_file = "{path}", and start the server anew')
    print(f"log in with it at {config.site_url}operator/")


app.add_typer(operator_app, name="operator")
