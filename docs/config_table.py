"""Writes the tables of docs/configuration.md: `python -m docs.config_table`. A test keeps them true to the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from docs.markers import DOCS, markdown_table, write
from runtime.settings import (
    AlertSettings,
    AuthSettings,
    BasicSettings,
    KafkaSettings,
    LabelSource,
    LimitSettings,
    ModelSettings,
    PredictionSource,
    PrivacySettings,
    SecuritySettings,
    StateSettings,
    WebSettings,
)
from runtime.settings.business import BusinessSettings
from runtime.settings.drift import DriftSettings
from runtime.settings.kafka import OAuthSettings
from runtime.settings.model import LabelField, PredictionField
from runtime.settings.registry import RegistrySettings

LATER: Final = "*Read and checked, not acted on in this version.*"

SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "kafka": KafkaSettings,
    "kafka.security": SecuritySettings,
    "kafka.security.oauth": OAuthSettings,
    "kafka.schema_registry": RegistrySettings,
    "models.NAME": ModelSettings,
    "models.NAME.drift": DriftSettings,
    "models.NAME.business": BusinessSettings,
    "models.NAME.predictions": PredictionSource,
    "models.NAME.labels": LabelSource,
    "alerts": AlertSettings,
    "state": StateSettings,
    "web": WebSettings,
    "web.auth": AuthSettings,
    "web.auth.basic": BasicSettings,
    "privacy": PrivacySettings,
    "limits": LimitSettings,
}
WHOLE: Final = {
    *("kafka.security", "kafka.security.oauth", "kafka.schema_registry", "web.auth", "web.auth.basic"),
    *("models.NAME.drift", "models.NAME.business", "models.NAME.predictions", "models.NAME.labels"),
}
"""Keys that have a table of their own."""

MEANINGS: Final = {
    "kafka.bootstrap_servers": "Brokers, as `host:port,host:port` or a list.",
    "kafka.topic_prefix": "What the names of Hindcast's own topics begin with. The consumer group is the prefix "
    "without its last `-`. Two deployments on one broker need two prefixes.",
    "kafka.replication_factor": "Of topics that Hindcast creates. Not set: 3, or as many as there are brokers.",
    "kafka.partitions": "Of the internal topics: the most workers that can share the work. Fixed once the topics are "
    "made. With `partitioned_by_id: true` it must equal the source topics' count, and is taken from them if not set.",
    "kafka.session_timeout": "A worker silent for so long loses its partitions to the others.",
    "kafka.on_topic_recreated": "What to do when a source topic was deleted and made anew, so that its offsets begin "
    "at 0 again. `stop`: refuse to start, and say so. `reset`: read all of it, as new records on top of the old ones.",
    "kafka.schema_registry.url": "Of a registry that speaks Confluent's protocol, as `https://host:port`; several with "
    "commas between them. Without user or password: these have keys of their own.",
    "kafka.schema_registry.username": "For basic authentication.",
    "kafka.schema_registry.password": "As `${ENV_VAR}` only; a password in the file is refused.",
    "kafka.schema_registry.password_file": "A file that holds the password and nothing else, read anew when the "
    "registry refuses the login. Give this or `password`.",
    "kafka.schema_registry.ca_file": "The certificate authority of the registry, PEM. Not set: those that come with "
    "certifi, or what `SSL_CERT_FILE` names.",
    "kafka.schema_registry.cert_file": "A client certificate, PEM, for registries that ask for one.",
    "kafka.schema_registry.key_file": "Its private key, PEM, without a passphrase.",
    "kafka.schema_registry.allow_plaintext": "Allow a password without https, where it can be read on the way.",
    "kafka.security.protocol": "`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`.",
    "kafka.security.mechanism": "`PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`; needed with SASL.",
    "kafka.security.username": "Needed with SASL, but for OAUTHBEARER.",
    "kafka.security.password": "As `${ENV_VAR}` only; a password in the file is refused.",
    "kafka.security.password_file": "A file that holds the password and nothing else. Give this or `password`.",
    "kafka.security.ca_file": "The certificate authority of the brokers, PEM. Not set: the system's.",
    "kafka.security.cert_file": "A client certificate, PEM, for brokers that ask for one.",
    "kafka.security.key_file": "Its private key, PEM, without a passphrase.",
    "kafka.security.oauth.token_url": "Where tokens are asked for, by the client credentials grant (RFC 6749, 4.4). "
    "Its certificate is checked by the system's authorities and by `ca_file`.",
    "kafka.security.oauth.client_id": "Who asks.",
    "kafka.security.oauth.client_secret": "As `${ENV_VAR}` only.",
    "kafka.security.oauth.client_secret_file": "A file that holds the secret and nothing else. Give this or "
    "`client_secret`.",
    "kafka.security.oauth.scope": "What is asked for, where the endpoint wants it said.",
    "kafka.security.allow_plaintext": "Allow mechanism `PLAIN` without TLS, where the password can be read on the way.",
    "models.NAME.task": "`binary`, `multiclass` or `regression`.",
    "models.NAME.partitioned_by_id": "`true`: both topics are keyed by join id with equal partition counts, so records "
    "are joined where they are. The counts are checked before the start. `false`: records are keyed anew.",
    "models.NAME.positive_class": "The class that counts as positive, as it stands in the records.",
    "models.NAME.classes_max": "So many classes of a multiclass model stand for themselves, the rest is `__other__`.",
    "models.NAME.class_scores": "Of a multiclass model: `true` keeps the `scores` of single classes until the label "
    "comes, so that AUC, log loss and top-k accuracy are known. Each id's row in the state takes 2 bytes for each of "
    "`classes_max` classes more, and 3, an open window 0.8 kB for each class (a segment's 0.16 kB): set `classes_max` "
    "to as many classes as there are. Once switched, windows that are still open begin anew.",
    "models.NAME.threshold": "The score from which a prediction is positive, where a record has only a score.",
    "models.NAME.window": "Length of the tumbling windows, aligned to the epoch.",
    "models.NAME.horizon": "How long after its prediction's event time a label may lie to join it.",
    "models.NAME.allowed_lateness": "How long beyond the horizon a window stays open before it is final.",
    "models.NAME.out_of_orderness": "How far the watermark trails the greatest event time seen.",
    "models.NAME.label_skew": "How long before its prediction's event time a label may lie to join it.",
    "models.NAME.emit_every": "At most one revision of a window in this time, and more rarely for older windows: "
    "at least a sixtieth of the window's age.",
    "models.NAME.idle_timeout": "A source partition read to its end and silent for so long holds no watermark back.",
    "models.NAME.spans": "Rolling spans, as `[1h, 24h, 1000 labelled]`. A time must be a multiple of the window; a "
    "counted one looks back a day at most.",
    "models.NAME.segments": "Fields whose values get windows of their own, at the top level or in the features.",
    "models.NAME.segment_values_max": "So many values of each field stand for themselves, the rest is `__other__`.",
    "models.NAME.resources": "`true`: the [resources](records.md#what-is-read) that prediction records tell of are "
    "counted, too. `false`: only those that `predictions.fields` maps.",
    "models.NAME.baseline": "A baseline file: what rules compare with, instead of what they learn, and what drift is "
    "measured against. Without one, inputs and scores are not watched. [How to make one](baseline.md).",
    "models.NAME.features": "The features of the baseline that may be watched; others are not read, and "
    "`baseline build`, `baseline learn` and `skew` leave them out. Not set: all. `[]`: none.",
    "models.NAME.drift.over": "The span whose records hold `drift`, as `1h` or `1000 records`; it is added to the "
    "model's spans, and longer ones hold it, too. The packs' rules about drift judge `1h`: with a longer `over` give "
    "them that one. Counted in records, every record of so many holds drift.",
    "models.NAME.drift.min_records": "With fewer, in the span or in the baseline, drift and estimated metrics are "
    "`null`, with the reason.",
    "models.NAME.business.per_record": "What one outcome of a confusion cell (`tp fp fn tn`) is worth, costs below 0: "
    "`{fp: -5}`, a false alarm costs five.",
    "models.NAME.business.per_value": "What an outcome of a cell is worth for each unit of its record's own `value`: "
    "`{fn: -1}`, a missed fraud costs its amount.",
    "models.NAME.champion": LATER,
    "models.NAME.challengers": LATER,
    "models.NAME.predictions.topic": "The topic of the predictions. The only key without a default.",
    "models.NAME.predictions.fields": "Our name to theirs, with dotted paths (`payload.score`). Known: "
    f"{', '.join(f'`{name}`' for name in get_args(PredictionField))}. `scores` are read of multiclass models, `value` "
    "with `business`.",
    "models.NAME.predictions.format": "`json`, or by a [schema registry](schema-registry.md) `avro`, `protobuf` or "
    "`json-schema`.",
    "models.NAME.labels.topic": "The topic of the labels. Not set: `x_predictions` gives `x_labels`.",
    "models.NAME.labels.fields": f"As above. Known: {', '.join(f'`{name}`' for name in get_args(LabelField))}.",
    "models.NAME.labels.format": "As above.",
    "alerts.packs": "Rules that come with Hindcast: `baseline`, `fraud-example`, `thresholds`. `[]` for none.",
    "alerts.max_age": "An incident wholly older than this when it is found is recorded as historic, not notified.",
    "alerts.alert_lookback": "Revisions of windows further behind the newest judged one change no alert any more.",
    "alerts.baseline_windows": "So many first final windows of a model make its baseline.",
    "alerts.allow_hosts": "Hosts that channels may reach by plain http or at a private address.",
    "alerts.dashboard_url": "A link in every message.",
    "alerts.runbook_url": "Where you keep the pages of `docs/runbooks`, so that alerts link to them.",
    "alerts.rules": "Rules of yours, and changes to those of the packs: [alerting.md](alerting.md#writing-a-rule).",
    "alerts.routes": "Who hears of which alerts. Not set: the [default tree](alerting.md#who-hears-of-it).",
    "alerts.inhibit": "Which alerts hide which. Not set: as [alerting.md](alerting.md#who-hears-of-it) says.",
    "alerts.receivers": "Whom to tell over which [channels](alerting.md#channels). None: lines in the worker's log.",
    "alerts.silences": "Planned [silences](alerting.md#silences).",
    "state.directory": "Where checkpoints stand, one RocksDB for each state partition. One worker a directory.",
    "state.standby_replicas": LATER,
    "state.memory_budget": "What caches, write buffers and accumulators of all partitions may take together. It is "
    "divided by `kafka.partitions`, whether one worker holds all of them or not.",
    "web.host": "Address that `/metrics`, `/livez` and `/readyz` listen on, "
    "and the page and API of `hindcast dashboard`.",
    "web.port": "Their port; 0 takes a free one.",
    "web.page": "Whether workers serve the page and its API, too. Each that does holds the records of a day in memory.",
    "web.base_path": "What a proxy has in front of the page's and the API's paths, as `/hindcast`. "
    "`/metrics`, `/livez` and `/readyz` "
    "stay where they are.",
    "web.auth.bearer_file": "A file that holds a token and nothing else; requests bring it as `Authorization: Bearer`. "
    "Give this or `basic`. It is read at the start. `/metrics`, `/livez` and `/readyz` stay open.",
    "web.auth.basic.username": "The user that a browser asks for.",
    "web.auth.basic.password_file": "A file that holds the password and nothing else, read at the start.",
    "privacy.hash_ids": "Replace every id by its keyed hash as soon as it is decoded: [personal "
    "data](operations.md#personal-data).",
    "privacy.key": "Of the hashes, 16 to 64 bytes, as `${ENV_VAR}` only. `openssl rand -hex 32` makes one.",
    "privacy.key_file": "A file that holds the key and nothing else. Give this or `key`. With a key, `skew` gives "
    "examples of ids by their hashes, whether `hash_ids` is set or not.",
    "privacy.on_key_changed": "What to do when ids were hashed with another key before, or were not hashed. `stop`: "
    "refuse to start, and say so. `accept`: go on; what waits for its counterpart will not meet it.",
    "privacy.dead_letters": "What is kept of a record that cannot be read. `original`: key, value and headers. "
    "`redacted`: where it stands and what is wrong with it. Not set: `redacted` with `hash_ids`, else `original`.",
    "limits.record_bytes_max": "A longer record is not parsed and goes to the dead letters as an envelope.",
    "limits.series_max": "The most Prometheus series of one family on one worker.",
    "limits.models_max": 'The most models under `"*"`; the rest is `__other__`.',
    "limits.dead_letter_ratio_max": "When more than this share of a topic's records was bad (judged each 50,000 "
    "records), the topic is held until the worker is restarted.",
}


def rows(section: str, settings: type[BaseModel]) -> Iterator[list[str]]:
    """Key, default and meaning of every key of a section. Raises KeyError for one that nobody explained."""
    for name, field in settings.model_fields.items():
        key = f"{section}.{field.alias or name}"
        if key not in WHOLE:
            yield [f"`{field.alias or name}`", _default(field), MEANINGS[key]]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if value is None:
        return "not set"
    if value in ([], {}):
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def table(section: str) -> str:
    """The section's table."""
    return markdown_table(["Key", "Default", "Meaning"], list(rows(section, SECTIONS[section])))


def main() -> None:
    """Write all tables."""
    for section in SECTIONS:
        write(DOCS / "configuration.md", section, table(section))


if __name__ == "__main__":
    main()
