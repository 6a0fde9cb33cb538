"""Commands about telling an operator of trouble."""

import typer

from aggregator.cli.common import clock
from aggregator.errors import AggregatorError, ConfigError

app = typer.Typer()
alert_app = typer.Typer(no_args_is_help=True, help="How you are told of trouble: the setting `alert`.")


@alert_app.command("test")
def send_test(context: typer.Context) -> None:
    """Send a message as it would come in trouble, and say whether it was taken.

    Example: aggregator --set alert='mail -s feeds root' alert test
    """
    from aggregator import alerts

    config = context.obj.config()
    if not config.alert:
        raise ConfigError("alert is not set; expected a command or an http or https URL")
    failure = alerts.test(config, clock())
    if failure:
        raise AggregatorError(f"alert: {failure}")
    print("sent")


app.add_typer(alert_app, name="alert")
