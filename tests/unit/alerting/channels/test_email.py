import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.channels.email import EmailChannel
from alerting.channels.mail_message import message_id
from alerting.channels.secret import SecretSource
from alerting.channels.specs import EmailSpec, Hosts, Texts
from alerting.notification import ChannelError, Notification
from tests.support.alert_samples import alert, notification
from tests.support.channels import LINKS, LOOPBACK, now_ms, renderer
from tests.support.ports import free_ports
from tests.support.smtp_fake import Awkward, SmtpFake

ANNA, BEN = "anna@example.com", "ben@example.com"


def spec(smtp: SmtpFake, **changes: object) -> EmailSpec:
    usual = EmailSpec((ANNA, BEN), "Hindcast <hindcast@example.com>", "127.0.0.1", smtp.port, ca_file=smtp.ca_file)
    return replace(usual, **changes)  # type: ignore[arg-type]


def channel(of: EmailSpec, texts: Texts | None = None, hosts: Hosts = LOOPBACK, seconds: float = 5.0) -> EmailChannel:
    return EmailChannel(of, LINKS, renderer(texts), hosts, now_ms, seconds)


async def failure(of: EmailChannel, message: Notification | None = None) -> ChannelError:
    with pytest.raises(ChannelError) as caught:
        await of.send(message or notification())
    assert "SECRET" not in str(caught.value)
    assert "anna" not in str(caught.value)
    return caught.value


async def test_a_mail_goes_encrypted_to_everybody_with_a_text_and_an_html_part(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path) as smtp:
        login = {"username": "hindcast", "password": SecretSource(SmtpFake.PASSWORD)}
        email = channel(spec(smtp, **login))
        await email.check()
        assert smtp.mails == []
        await email.send(notification(alert(), alert(fingerprint="b", status="resolved", model="<b>&")))
        await email.close()
    [(recipients, mail)] = smtp.mails
    assert recipients == [ANNA, BEN]
    assert mail["Subject"] == "[1 firing, 1 resolved] model=fraud"
    assert (mail["From"], mail["To"]) == ("Hindcast <hindcast@example.com>", f"{ANNA}, {BEN}")
    assert mail["Message-ID"] == message_id("oncall/fraud/1", "hindcast@example.com")
    assert mail["Auto-Submitted"] == "auto-generated"
    text, html = (part.get_content() for part in mail.iter_parts())
    assert "FIRING P1 accuracy-critical fraud rf_v2: accuracy 0.8123 [0.79, 0.83], threshold 0.9" in text
    assert "https://runbooks.example/accuracy" in text
    assert '<a href="https://runbooks.example/accuracy">' in html
    assert "&lt;b&gt;&amp;" in html
    assert len(smtp.logins) == 2


async def test_f64_every_attempt_carries_the_same_message_id_and_another_message_another(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path) as smtp:
        email = channel(spec(smtp))
        for key in ("one", "one", "two"):
            await email.send(notification(key=key))
    ids = [mail["Message-ID"] for _, mail in smtp.mails]
    assert ids[0] == ids[1] != ids[2]


async def test_f73_stripped_starttls_means_that_nothing_is_said_in_plain_text(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, offers_tls=False) as smtp:
        login = {"username": "hindcast", "password": SecretSource(SmtpFake.PASSWORD)}
        error = await failure(channel(spec(smtp, **login)))
    assert (error.failure, error.retryable) == ("refused", True)
    assert "STARTTLS" in str(error)
    assert (smtp.mails, smtp.logins, smtp.commands) == ([], [], [])


async def test_plain_text_is_sent_where_the_settings_say_so(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, offers_tls=False) as smtp:
        await channel(spec(smtp, starttls=False)).send(notification())
    assert len(smtp.mails) == 1


async def test_on_the_port_of_implicit_tls_everything_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with SmtpFake(tmp_path, implicit_tls=True) as smtp:
        assert (await failure(channel(spec(smtp), seconds=0.5))).retryable  # it waits for a greeting in plain text
        monkeypatch.setattr("alerting.channels.email.IMPLICIT_TLS_PORT", smtp.port)
        await channel(spec(smtp)).send(notification())
        error = await failure(channel(spec(smtp, ca_file=None)))
    assert "certificate" in str(error)
    assert len(smtp.mails) == 1


async def test_f73_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path) as smtp:
        error = await failure(channel(spec(smtp, ca_file=None)))
    assert "certificate" in str(error)
    assert (error.failure, error.retryable) == ("unreachable", True)
    assert smtp.mails == []


async def test_f73_greylisted_addresses_are_tried_again_and_the_others_get_no_copy(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, awkward=Awkward(greylisted={BEN})) as smtp:
        email = channel(spec(smtp))
        error = await failure(email)
        await email.send(notification())
    assert (error.failure, error.retryable) == ("server", True)
    assert "450" in str(error)
    assert [recipients for recipients, _ in smtp.mails] == [[ANNA], [BEN]]


async def test_f73_greylisting_of_everybody_is_tried_again(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, awkward=Awkward(greylisted={ANNA, BEN})) as smtp:
        email = channel(spec(smtp))
        assert (await failure(email)).retryable
        await email.send(notification())
    assert [recipients for recipients, _ in smtp.mails] == [[ANNA, BEN]]


async def test_f65_an_unknown_address_is_not_tried_again_but_the_others_are_told(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, awkward=Awkward(unknown={BEN})) as smtp:
        error = await failure(channel(spec(smtp)))
    assert (error.failure, error.retryable) == ("refused", False)
    assert "1 of 2" in str(error)
    assert [recipients for recipients, _ in smtp.mails] == [[ANNA]]


async def test_f65_a_wrong_password_is_not_tried_again_and_not_shown(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path) as smtp:
        login = {"username": "hindcast", "password": SecretSource("wrong-SECRET")}
        error = await failure(channel(spec(smtp, **login)))
    assert (error.failure, error.retryable) == ("unauthorised", False)
    assert smtp.mails == []


async def test_f73_a_slow_server_is_given_up_and_tried_again(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path, awkward=Awkward(wait_seconds=3.0)) as smtp:
        began = time.monotonic()
        error = await failure(channel(spec(smtp), seconds=0.5))
    assert (error.failure, error.retryable) == ("timeout", True)
    assert time.monotonic() - began < 2.5


async def test_f64_a_silent_a_closed_and_a_babbling_port_are_tried_again(tmp_path: Path) -> None:
    silence = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silence.wait()
        writer.close()

    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    found = []
    for serve in (silent, babble):
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        of = EmailSpec((ANNA,), "h@example.com", "127.0.0.1", server.sockets[0].getsockname()[1])
        found.append(await failure(channel(of, seconds=0.5)))
        silence.set()
        server.close()
    [port] = free_ports(1)
    found.append(await failure(channel(EmailSpec((ANNA,), "h@example.com", "127.0.0.1", port))))
    assert [error.retryable for error in found] == [True] * 3
    assert [found[0].failure, found[2].failure] == ["timeout", "unreachable"]


async def test_f64_an_accepted_mail_is_not_sent_again_because_the_server_hung_up_at_the_farewell(
    tmp_path: Path,
) -> None:
    async with SmtpFake(tmp_path, awkward=Awkward(hangs_up_at_quit=True)) as smtp:
        await channel(spec(smtp)).send(notification())
    assert len(smtp.mails) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "169.254.169.254"])
async def test_f72_a_mail_server_has_to_be_public_or_allowed(tmp_path: Path, host: str) -> None:
    async with SmtpFake(tmp_path) as smtp:
        error = await failure(channel(spec(smtp, host=host), hosts=Hosts()))
    assert (error.failure, error.retryable) == ("refused", False)
    assert smtp.mails == []


async def test_f56_no_header_can_be_put_into_a_mail(tmp_path: Path) -> None:
    evil = "x\r\nBcc: everybody@example.com\r\n\r\n<script>alert(1)</script>"
    message = notification(
        alert(model=evil, rule=evil, summary=evil, runbook=evil, metric=evil), key=evil, group=(("model", evil),)
    )
    async with SmtpFake(tmp_path) as smtp:
        for texts in (None, Texts("{{ alerts[0].model }}\r\nBcc: x@example.com", "{{ alerts[0].model }}")):
            await channel(spec(smtp), texts).send(message)
    assert len(smtp.mails) == 2
    for recipients, mail in smtp.mails:
        assert recipients == [ANNA, BEN]
        assert mail["Bcc"] is None
        assert mail.defects == []
        assert "\n" not in mail["Subject"]
        html = mail.get_body(("html",))
        assert html is not None
        assert "<script" not in html.get_content()


async def test_names_in_any_script_survive_the_way(tmp_path: Path) -> None:
    async with SmtpFake(tmp_path) as smtp:
        await channel(spec(smtp)).send(notification(alert(model="Kreditprüfung 東京 🙂", summary="é" * 900)))
    [(_, mail)] = smtp.mails
    assert "Kreditprüfung 東京 🙂" in mail["Subject"]
    text = mail.get_body(("plain",))
    assert text is not None
    assert "é" * 900 in text.get_content()
