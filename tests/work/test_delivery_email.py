"""E-mail to a real server on this machine."""

import socket
from pathlib import Path

import pytest

from optria.core.errors import ConfigurationError
from optria.work.delivery_channels import NotSent
from optria.work.delivery_email import open_email
from tests.fakes.mail_server import MailServer
from tests.work.letters import certificate, channel, letter, settings


@pytest.mark.clause("N4")
async def test_a_letter_arrives() -> None:
    async with MailServer().running() as server:
        await channel(server.port).send(letter())
    (received,) = server.letters
    assert (received.sender, received.recipients) == ("optria@plant.example", ["engineer@example.com"])
    assert "Bearing Fault detected on Pump P-102B" in str(received.message["Subject"])
    assert "خرج الاهتزاز" in received.part("plain")
    assert not received.encrypted


@pytest.mark.parametrize("tls", ["starttls", "tls"])
async def test_a_letter_goes_encrypted(tmp_path: Path, tls: str) -> None:
    ours, server_side = certificate(tmp_path, "127.0.0.1")
    async with MailServer(tls=server_side).running(implicit_tls=tls == "tls") as server:
        await channel(server.port, smtp_tls=tls, smtp_ca_file=ours).send(letter())
    assert [received.encrypted for received in server.letters] == [True]


async def test_a_server_without_starttls_gets_no_mail() -> None:
    async with MailServer().running() as server:
        with pytest.raises(NotSent) as failed:
            await channel(server.port, smtp_tls="starttls").send(letter())
    assert server.letters == []
    assert not failed.value.is_final


async def test_a_server_that_refuses_starttls_gets_no_mail(tmp_path: Path) -> None:
    ours, server_side = certificate(tmp_path, "127.0.0.1")
    answers = {"STARTTLS": ["454 not now"]}
    async with MailServer(tls=server_side, answers=answers).running() as server:
        with pytest.raises(NotSent, match="454"):
            await channel(server.port, smtp_tls="starttls", smtp_ca_file=ours).send(letter())
    assert server.letters == []


@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", ["unknown", "other host"])
async def test_a_certificate_that_does_not_fit_is_refused(tmp_path: Path, tls: str, wrong: str) -> None:
    host = "127.0.0.1" if wrong == "unknown" else "mail.example"
    ours, server_side = certificate(tmp_path, host)
    async with MailServer(tls=server_side).running(implicit_tls=tls == "tls") as server:
        trusted = None if wrong == "unknown" else ours
        with pytest.raises(NotSent, match=r"(?i)certificate"):
            await channel(server.port, smtp_tls=tls, smtp_ca_file=trusted).send(letter())
    assert server.letters == []


@pytest.mark.parametrize(
    ("verb", "answer", "final"),
    [
        ("RCPT", "550 no such person", True),
        ("RCPT", "452 mailbox full", False),
        ("LETTER", "554 looks like spam", True),
        ("LETTER", "451 try later", False),
        ("MAIL", "530 sign in first", False),
        ("EHLO", "421 closing", False),
    ],
)
async def test_a_refusal_for_good_is_told_from_one_that_may_pass(verb: str, answer: str, final: bool) -> None:
    async with MailServer(answers={verb: [answer] * 2, "HELO": [answer]}).running() as server:
        with pytest.raises(NotSent, match=answer[:3]) as failed:
            await channel(server.port).send(letter())
    assert failed.value.is_final is final


async def test_a_goodbye_that_fails_is_no_failure() -> None:
    async with MailServer(answers={"QUIT": ["500 never"]}).running() as server:
        await channel(server.port).send(letter())
    assert len(server.letters) == 1


async def test_no_server_at_all() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent) as failed:
            await channel(taken.getsockname()[1]).send(letter())
    assert not failed.value.is_final


def test_without_a_mail_server_there_is_no_channel() -> None:
    assert open_email(settings(0, smtp_host=None)) is None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"smtp_from": ""}, "OPTRIA_SMTP_FROM"),
        ({"smtp_host": "mail.example", "smtp_user": "optria"}, "unencrypted"),
        ({"smtp_ca_file": "missing.pem"}, "OPTRIA_SMTP_CA_FILE"),
    ],
)
def test_a_wrong_setting_says_so(wrong: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        open_email(settings(25, **wrong))


def test_the_password_does_not_show() -> None:
    shown = repr(settings(25, smtp_user="optria", smtp_password="hunter2-hunter2"))
    assert "hunter2" not in shown
