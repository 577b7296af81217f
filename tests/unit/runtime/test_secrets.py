import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from models.errors import ConfigError, WorldError
from runtime.oauth import TokenProvider
from runtime.security import aiokafka_kwargs, confluent_config, faust_credentials, kafka_security
from runtime.settings import Settings, parse

SECRET = "hunter2-very-secret"
OAUTH = {"token_url": "https://login.example/token", "client_id": "c", "client_secret": "${PW}"}
TOKENS = {"mechanism": "OAUTHBEARER", "username": None, "password": None, "oauth": OAUTH}


def security(**keys: object) -> dict[str, Any]:
    base = {"protocol": "SASL_SSL", "mechanism": "SCRAM-SHA-512", "username": "u", "password": "${PW}"}
    return {"kafka": {"security": {key: value for key, value in (base | keys).items() if value is not None}}}


def problems_of(tree: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(tree, {"PW": SECRET})
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in text
    return caught.value.problems


def loaded(**keys: object) -> Settings:
    return parse(security(**keys), {"PW": SECRET})


def test_a_password_is_in_no_repr_no_text_and_no_dump() -> None:
    settings = loaded()
    resolved = kafka_security(settings.kafka.security)
    shown = f"{settings!r}{settings}{settings.model_dump()}{settings.model_dump_json()}{resolved!r}{resolved}"
    shown += repr(faust_credentials(resolved))
    assert SECRET not in shown
    assert resolved.password == SECRET


@pytest.mark.parametrize(
    "tree",
    [
        {"kafka": {"security": {"password": SECRET}}},
        {"kafka": {"schema_registry": {"password": SECRET}}},
        {"kafka": {"schema_registry": {"url": f"https://user:{SECRET}@registry.example"}}},
        {"alerts": {"receivers": {"a": {"slack": {"webhook_url": f"https://x/{SECRET}"}}}}},
        {"alerts": {"receivers": {"a": {"pagerduty": {"routing_key": SECRET}}}}},
        {"alerts": {"receivers": {"a": {"webhook": {"secret": [SECRET]}}}}},
        {"kafka": {"security": {"password": 1}}},
        {"privacy": {"key": SECRET}},
    ],
)
def test_a_secret_written_as_text_is_refused_in_every_section(tree: dict[str, object]) -> None:
    lines = problems_of(tree)
    assert any("a secret may not stand in the file, write ${ENV_VAR} or use …_file" in line for line in lines)


def test_a_value_from_the_environment_is_not_echoed_by_an_error_elsewhere() -> None:
    lines = problems_of({"web": {"port": "${PW}"}, "kafka": {"bootstrap_servers": ["${PW}"], "topic_prefix": "${PW}/"}})
    assert len(lines) == 3


def test_a_secret_under_a_misspelt_key_is_not_echoed() -> None:
    assert any("did you mean password?" in line for line in problems_of(security(passwrd=SECRET)))


def test_opaque_sections_are_not_shown_with_the_settings() -> None:
    tree = yaml.safe_load("sinks: {delta: {token: '${T}', path: quiet-path}}")
    assert "quiet-path" not in repr(parse(tree, {}))


def test_secrets_of_channels_are_not_shown_with_the_settings() -> None:
    hook = {"url": "https://a.example/", "secret": "${URL}"}
    tree = {"alerts": {"receivers": {"x": {"slack": {"webhook_url": "${URL}"}, "webhook": hook}}}}
    settings = parse(tree, {"URL": "https://example.com/quiet-token"})
    assert settings.alerts.receivers["x"].slack is not None
    assert "quiet-token" not in repr(settings)


def test_a_password_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(f"{SECRET}\n")
    settings = loaded(password=None, password_file=str(tmp_path / "pw"))
    assert kafka_security(settings.kafka.security).password == SECRET


@pytest.mark.parametrize(("content", "what"), [(None, "No such file or directory"), ("\n", "is empty")])
def test_a_password_file_that_gives_nothing_is_told(tmp_path: Path, content: str | None, what: str) -> None:
    if content is not None:
        (tmp_path / "pw").write_text(content)
    [line] = problems_of(security(password=None, password_file=str(tmp_path / "pw")))
    assert line.startswith("kafka.security.password_file: ")
    assert what in line


def test_a_password_file_that_went_away_after_loading_is_the_worlds_fault(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text(SECRET)
    settings = loaded(password=None, password_file=str(tmp_path / "pw"))
    (tmp_path / "pw").unlink()
    with pytest.raises(WorldError, match=r"kafka.security.password_file: cannot read"):
        kafka_security(settings.kafka.security)


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ({"mechanism": None}, "kafka.security.mechanism: is needed with protocol SASL_SSL"),
        ({"username": None}, "kafka.security.username: is needed with protocol SASL_SSL"),
        ({"password": None}, "kafka.security.password_file: is needed with protocol SASL_SSL"),
        ({"protocol": "SSL"}, "kafka.security.mechanism: has no meaning with protocol SSL"),
        ({"protocol": "SASL_PLAINTEXT", "mechanism": "PLAIN"}, "kafka.security.mechanism: PLAIN without TLS sends"),
        ({"ca_file": "/no/such/ca.pem"}, "kafka.security.ca_file: cannot read /no/such/ca.pem: No such file"),
        ({"cert_file": __file__}, "kafka.security.key_file: is needed beside cert_file"),
        ({"oauth": OAUTH}, "kafka.security.oauth: has no meaning with mechanism SCRAM-SHA-512"),
        (TOKENS | {"username": "u"}, "kafka.security.username: has no meaning with mechanism OAUTHBEARER"),
        (TOKENS | {"oauth": None}, "kafka.security.oauth: is needed with mechanism OAUTHBEARER"),
        (
            TOKENS | {"oauth": OAUTH | {"client_secret": None}},
            "kafka.security.oauth.client_secret_file: is needed with mechanism OAUTHBEARER",
        ),
        (
            TOKENS | {"oauth": OAUTH | {"token_url": "ftp://a.example"}},
            "kafka.security.oauth.token_url: ",
        ),
        ({"mechanism": "GSSAPI"}, "kafka.security.mechanism: must be one of PLAIN"),
    ],
)
def test_each_fault_of_the_login_has_one_readable_line(keys: dict[str, object], line: str) -> None:
    [found] = problems_of(security(**keys))
    assert found.startswith(line)


def test_plain_without_tls_needs_an_explicit_yes() -> None:
    settings = loaded(protocol="SASL_PLAINTEXT", mechanism="PLAIN", allow_plaintext=True)
    kwargs = aiokafka_kwargs(kafka_security(settings.kafka.security))
    assert kwargs == {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "u",
        "sasl_plain_password": SECRET,
    }


@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_fausts_credentials_speak_the_protocol_that_was_asked_for(protocol: str) -> None:
    credentials = faust_credentials(kafka_security(loaded(protocol=protocol).kafka.security))
    assert credentials is not None
    assert credentials.protocol.value == protocol


def test_tls_without_login_and_no_security_at_all() -> None:
    tls = kafka_security(parse({"kafka": {"security": {"protocol": "SSL"}}}, {}).kafka.security)
    plain = kafka_security(parse({}, {}).kafka.security)
    credentials = faust_credentials(tls)
    assert credentials is not None
    assert credentials.protocol.value == "SSL"
    assert aiokafka_kwargs(tls)["ssl_context"] is not None
    assert faust_credentials(plain) is None
    assert aiokafka_kwargs(plain) == {"security_protocol": "PLAINTEXT"}


def test_librdkafka_gets_the_same_login() -> None:
    assert confluent_config(kafka_security(loaded().kafka.security)) == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "u",
        "sasl.password": SECRET,
    }


def test_all_clients_get_tokens_of_the_same_secret() -> None:
    found = kafka_security(loaded(**TOKENS).kafka.security)
    assert found.oauth is not None
    assert found.oauth.client_secret == SECRET
    assert SECRET not in repr(found)
    assert isinstance(aiokafka_kwargs(found)["sasl_oauth_token_provider"], TokenProvider)
    assert callable(confluent_config(found)["oauth_cb"])
    credentials = faust_credentials(found)
    assert credentials is not None
    assert credentials.protocol.value == "SASL_SSL"


def test_an_authority_file_that_is_no_certificate_is_the_worlds_fault(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("nonsense")
    settings = loaded(ca_file=str(tmp_path / "ca"))
    with pytest.raises(WorldError, match=r"kafka.security.ca_file: cannot use"):
        aiokafka_kwargs(kafka_security(settings.kafka.security))
