"""The command ``hindcast``: reads the arguments, calls the verb's own module, turns errors into lines.

Exit codes everywhere: 0 fine, 1 the world is wrong (broker, file, partition layout), 2 wrong use or
configuration. The modules of the verbs are imported when their verb is called, so that ``--help`` is fast.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import TyperException

from models.errors import ConfigError, HindcastError
from runtime.cli_alerts import app as alerts
from runtime.cli_baseline import app as baseline
from runtime.cli_dead_letters import app as dead_letters
from runtime.cli_options import ConfigOption, ForOption, LogOption, SeedOption, config_file, configured, names, roles
from runtime.cli_options import seconds as duration
from runtime.cli_skew import app as skew
from runtime.interrupts import heed_sigterm
from runtime.logs import LogFormat
from runtime.settings import KafkaSettings, Settings, json_schema, unused_line

app = typer.Typer(
    help="Exact quality metrics of deployed models, from predictions and late labels on Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks show local variables, secrets among them
    rich_markup_mode=None,
)
topics = typer.Typer(help="Hindcast's own topics.", no_args_is_help=True)
app.add_typer(topics, name="topics")
app.add_typer(alerts, name="alerts")
app.add_typer(baseline, name="baseline")
app.add_typer(dead_letters, name="dead-letters")
app.add_typer(skew)


def _tell_version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it
    if wanted:
        from importlib.metadata import version

        typer.echo(f"hindcast {version('hindcast-monitor')}")
        raise typer.Exit


@app.callback()
def options(
    *,
    _version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_tell_version, is_eager=True)
    ] = False,
) -> None:
    """Options of `hindcast` itself; each verb has its own."""


@app.command()
def demo(
    *,
    for_seconds: ForOption = None,
    seed: SeedOption = 1,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Everything on one machine: embedded broker, simulated fraud traffic, live view."""
    settings = configured(config, os.environ, log_format)
    from runtime.demo import run

    return run(None if config_file(config) is None else settings, for_seconds, seed)


@app.command()
def worker(
    *,
    role: Annotated[
        str, typer.Option("--roles", metavar="ROLES", help="Some of ingest,alerts,sinks.")
    ] = "ingest,alerts,sinks",
    create_topics: Annotated[
        bool, typer.Option("--create-topics", help="Create missing topics of ours first.")
    ] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Read predictions and labels, write metric records; more workers share the partitions."""
    chosen = roles(role)
    settings = _deployed(config, log_format)
    _warn_of_unused(settings)
    from runtime.worker import run

    return run(settings, chosen, create_topics)


@app.command()
def broker(*, config: ConfigOption = None, log_format: LogOption = "console") -> int:
    """An embedded broker with the configured topics, to try things out; it forgets everything at its end."""
    # The file may name the address as ${BROKER}, which this verb is there to tell.
    settings = configured(config, {"BROKER": "localhost:9092"} | dict(os.environ), log_format, baselines=False)
    from runtime.try_out import run

    return run(settings)


@app.command()
def dashboard(*, config: ConfigOption = None, log_format: LogOption = "console") -> int:
    """Serve the API: what the topics of Hindcast hold of the last day, and what comes in now."""
    settings = configured(config, os.environ, log_format, baselines=False)
    from runtime.dashboard import run

    return run(settings)


@app.command()
def check(
    *,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the configuration's JSON Schema, check nothing.")
    ] = False,
    send_test: Annotated[bool, typer.Option("--send-test", help="Post a test through every channel.")] = False,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Check configuration, channels, broker and topics; changes nothing, posts nothing."""
    if schema:
        import json

        typer.echo(json.dumps(json_schema(), indent=2))
        return 0
    settings = _deployed(config, log_format)
    from runtime.check import run

    return run(settings, config_file(config), send_test=send_test)


@app.command()
def smoke(
    *,
    workers: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Also ask every worker behind this name if it is ready.")
    ] = None,
    within: Annotated[str, typer.Option(metavar="DURATION", help="How long it may take.")] = "60s",
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Write a prediction and its label to topics of their own, and wait for the metric record (smoke_test: true)."""
    settings = configured(config, os.environ, log_format, baselines=False)
    from runtime.smoke import run

    return run(settings, workers, duration(within))


@topics.command()
def create(*, config: ConfigOption = None, log_format: LogOption = "console") -> int:
    """Create those of Hindcast's topics that do not exist yet."""
    settings = _deployed(config, log_format)
    from runtime.create_topics import run

    return run(settings)


@app.command()
def simulate(
    *,
    bootstrap: Annotated[str | None, typer.Option(help="Brokers [default: as configured].")] = None,
    rate: Annotated[float, typer.Option(help="Predictions per second of event time.")] = 500.0,
    for_seconds: ForOption = None,
    seed: SeedOption = 1,
    speed: Annotated[float, typer.Option(help="How much faster than real time; it then starts in the past.")] = 1.0,
    fraud_rate: Annotated[float, typer.Option(help="Share of frauds.")] = 0.02,
    label_delay: Annotated[str, typer.Option(metavar="DURATION", help="Median delay of a label.")] = "5m",
    disorder: Annotated[float, typer.Option(help="Share of records out of order.")] = 0.0,
    duplicates: Annotated[float, typer.Option(help="Share of records sent twice.")] = 0.0,
    early: Annotated[float, typer.Option(help="Share of labels before their prediction.")] = 0.0,
    corrections: Annotated[float, typer.Option(help="Share of labels corrected later.")] = 0.0,
    bad: Annotated[float, typer.Option(help="Bad records, as a share of the predictions.")] = 0.0,
    degrade_at: Annotated[str | None, typer.Option(metavar="DURATION", help="When the model becomes worse.")] = None,
    recover_at: Annotated[str | None, typer.Option(metavar="DURATION", help="When it is again what it was.")] = None,
    versions: Annotated[str | None, typer.Option(help="Model versions, as a,b.")] = None,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """Send simulated fraud predictions and late labels to a broker."""
    from runtime.simulate_options import SimulateOptions

    options = SimulateOptions(
        rate=rate,
        seconds=for_seconds,
        seed=seed,
        speed=speed,
        fraud_rate=fraud_rate,
        label_delay_seconds=duration(label_delay),
        disorder=disorder,
        duplicates=duplicates,
        early=early,
        corrections=corrections,
        bad=bad,
        degrade_at_seconds=None if degrade_at is None else duration(degrade_at),
        recover_at_seconds=None if recover_at is None else duration(recover_at),
        versions=SimulateOptions().versions if versions is None else names(versions),
    )
    settings = _at(configured(config, os.environ, log_format), bootstrap)
    from runtime.simulate import run

    return run(settings, options)


@app.command()
def evaluate(
    *,
    predictions: Annotated[Path, typer.Option(help="CSV, Parquet or JSON lines.")],
    labels: Annotated[Path, typer.Option(help="CSV, Parquet or JSON lines.")],
    model: Annotated[str | None, typer.Option(help="The configured model [default: the only one].")] = None,
    out: Annotated[Path | None, typer.Option(help="Where the records go [default: standard output].")] = None,
    config: ConfigOption = None,
    log_format: LogOption = "console",
) -> int:
    """The same metrics from files: final records as JSON lines, the fates in a last line on standard error."""
    settings = configured(config, os.environ, log_format)
    from runtime.evaluate import run

    return run(settings, predictions, labels, model, out)


def _deployed(config: Path | None, log_format: LogFormat) -> Settings:
    """What workers run with: the settings, and the smoke test's model if it is wanted."""
    from runtime.smoke_model import with_smoke_model

    return with_smoke_model(configured(config, os.environ, log_format))


def _at(settings: Settings, bootstrap: str | None) -> Settings:
    if bootstrap is None:
        return settings
    try:
        servers = KafkaSettings(bootstrap_servers=bootstrap).bootstrap_servers
    except ValueError:
        raise typer.BadParameter("--bootstrap: write host:port,host:port") from None
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"bootstrap_servers": servers})})


def _warn_of_unused(settings: Settings) -> None:
    import logging

    line = unused_line(settings)
    if line is not None:
        logging.getLogger(__name__).warning(line)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every expected error is one line on standard error."""
    heed_sigterm()
    command = typer.main.get_command(app)
    try:
        code = command.main(list(sys.argv[1:] if arguments is None else arguments), "hindcast", standalone_mode=False)
    except TyperException as error:
        return _usage_error(error)
    except ConfigError as error:
        return _complain(error.problems, 2)
    except HindcastError as error:
        return _complain(str(error).splitlines(), 1)
    except (typer.Abort, KeyboardInterrupt):
        return _complain(["interrupted"], 1)
    except BrokenPipeError:
        # Whoever reads our output has left (`hindcast check | head`); nothing to say, nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def _usage_error(error: TyperException) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message(), err=True)
        return 2
    path = context.command_path if context is not None else "hindcast"
    text = " ".join(error.format_message().split())
    return _complain([f"{text} (see {path} --help)"], 2)


def _complain(lines: Sequence[str], code: int) -> int:
    for line in lines:
        typer.echo(f"hindcast: {line}", err=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
