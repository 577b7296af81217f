"""compose.yaml without Docker: what it mounts is there, what it says is understood by those it is said to."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import typer
import yaml

from runtime.cli import app
from runtime.settings import load
from tests.support.prometheus import promtool

ROOT: Final = Path(__file__).parents[2]
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
OURS: Final = {name: one for name, one in SERVICES.items() if "build" in one}


def mounts(service: str) -> dict[str, str]:
    """Path in the container -> what is mounted there; without a colon: a volume of the container's own."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", ())]
    return {part[1]: part[0] for part in parts if len(part) > 1}


def mounted(service: str, path: str) -> Path:
    """The file of this checkout that a container finds under the path."""
    [(target, source)] = [(t, s) for t, s in mounts(service).items() if path == t or path.startswith(f"{t}/")]
    return ROOT / source / path.removeprefix(target).removeprefix("/")


def document(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text("utf-8"))
    return found


def test_every_part_is_there_and_pinned() -> None:
    assert SERVICES.keys() == {
        "kafka", "source-topics", "worker", "dashboard", "simulate", "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    assert OURS.keys() == {"worker", "dashboard", "simulate"}
    assert {one["build"] for one in OURS.values()} == {"."}
    images = [one["image"] for name, one in SERVICES.items() if name not in OURS]
    assert [image for image in images if not re.fullmatch(r"[\w/-]+:v?\d+\.\d+\.\d+", image)] == []
    assert [name for name, one in SERVICES.items() if "profiles" in one] == ["simulate"]


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_mounted_exists(name: str) -> None:
    for target, source in mounts(name).items():
        assert target.startswith("/")
        assert (ROOT / source).exists() if source.startswith("./") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_reached_from_other_machines(name: str) -> None:
    published = [port.split(":") for port in SERVICES[name].get("ports", ())]
    assert [port for port in published if port[0] != "127.0.0.1" or port[1] != port[2]] == []


@pytest.mark.parametrize("name", OURS)
def test_our_commands_are_understood(name: str) -> None:
    verb, *arguments = OURS[name]["command"]
    group: Any = typer.main.get_command(app)
    command = group.commands[verb]
    command.make_context(verb, arguments)  # raises for an option that it does not know, or a value that it refuses
    assert mounted(name, OURS[name]["environment"]["HINDCAST_CONFIG"]) == ROOT / "compose" / "hindcast.yaml"


def test_our_configuration_fits_the_other_services() -> None:
    settings = load(ROOT / "compose" / "hindcast.yaml", {})
    said = document("compose/hindcast.yaml")
    assert said["kafka"]["bootstrap_servers"] == "kafka:9092"
    assert (
        f"INSIDE://{said['kafka']['bootstrap_servers']}"
        in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    )
    [url] = said["alerts"]["receivers"]["alertmanager"]["alertmanager"]["urls"]
    assert (urlsplit(url).hostname, urlsplit(url).port) == ("alertmanager", 9093)
    assert str(settings.web.port) == SERVICES["dashboard"]["ports"][0].rpartition(":")[2]
    assert str(settings.state.directory) in SERVICES["worker"]["volumes"]
    [script] = SERVICES["source-topics"]["command"]
    model = said["models"]["fraud"]
    assert f"for topic in {model['predictions']['topic']} {model['labels']['topic']}; do" in script


@pytest.mark.usefixtures("prometheus_programs")
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    for target, source in mounts("prometheus").items():
        if source.startswith("./"):
            shutil.copy(ROOT / source, tmp_path / Path(target).name)
    code, said = promtool("check", "config", tmp_path / "prometheus.yml")
    assert (code, "FAILED" in said, "rules found" in said) == (0, False, True), said
    config = document("compose/prometheus.yml")
    [found] = config["scrape_configs"][0]["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["worker"], 6066)
    assert config["alerting"]["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]


def test_alertmanager_takes_its_configuration(amtool: str) -> None:
    path = mounted("alertmanager", "/etc/alertmanager/alertmanager.yml")
    done = subprocess.run([amtool, "check-config", path], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, "SUCCESS" in done.stdout) == (0, True), done.stdout + done.stderr


def test_grafana_finds_its_dashboards_and_sources() -> None:
    provisioning = "/etc/grafana/provisioning"
    sources = yaml.safe_load(mounted("grafana", f"{provisioning}/datasources/hindcast.yaml").read_text("utf-8"))
    hosts = {source["type"]: urlsplit(source["url"]) for source in sources["datasources"]}
    assert {kind: (url.hostname, url.port) for kind, url in hosts.items()} == {
        "prometheus": ("prometheus", 9090),
        "alertmanager": ("alertmanager", 9093),
    }
    [provider] = yaml.safe_load(mounted("grafana", f"{provisioning}/dashboards/hindcast.yaml").read_text("utf-8"))[
        "providers"
    ]
    boards = mounted("grafana", provider["options"]["path"])
    assert len(list(boards.glob("*.json"))) == 6
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert mounted("grafana", home) == boards / "overview.json"
