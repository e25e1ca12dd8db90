"""A mail server on this machine: takes what it is sent, answers as a test says, speaks STARTTLS if it may."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default


@dataclass
class Received:
    sender: str
    recipients: list[str]
    raw: bytes
    encrypted: bool

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.raw, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed

    def part(self, kind: str) -> str:
        body = self.message.get_body((kind,))
        assert body is not None
        text: str = body.get_content()
        return text


@dataclass
class MailServer:
    """``answers`` maps a verb (``MAIL``, ``RCPT``, ``DATA``, ``LETTER``) to answers used up in turn.

    ``LETTER`` is the answer to a whole letter; ``on_letter`` is called before it is given.
    """

    tls: ssl.SSLContext | None = None
    answers: dict[str, list[str]] = field(default_factory=dict)
    on_connect: Callable[[], None] | None = None
    on_letter: Callable[[], None] | None = None
    letters: list[Received] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    open: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def running(self, *, implicit_tls: bool = False) -> AsyncGenerator["MailServer"]:
        server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.tls if implicit_tls else None
        )
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in tuple(self.open):
                task.cancel()
            await asyncio.gather(*self.open, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self.open.add(task)
        task.add_done_callback(self.open.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(OSError, asyncio.IncompleteReadError):
                await _Conversation(self, reader, writer).run()
        finally:
            writer.transport.abort()


class _Conversation:
    def __init__(self, server: MailServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.server, self.reader, self.writer = server, reader, writer
        self.sender, self.recipients = "", list[str]()

    @property
    def encrypted(self) -> bool:
        return self.writer.get_extra_info("sslcontext") is not None

    async def run(self) -> None:
        if self.server.on_connect is not None:
            self.server.on_connect()
        await self.say("220 mail.test ready")
        while line := (await self.reader.readline()).decode().strip():
            verb = line.partition(" ")[0].upper()
            scripted = self.server.answers.get(verb)
            if scripted:
                await self.say(scripted.pop(0))
            else:
                await self.answer(verb, line)
            if verb == "QUIT":
                return

    async def answer(self, verb: str, line: str) -> None:
        if verb == "EHLO":
            offer = self.server.tls is not None and not self.encrypted
            await self.say("250-mail.test" + ("\r\n250-STARTTLS" if offer else "") + "\r\n250 SMTPUTF8")
        elif verb == "STARTTLS" and self.server.tls is not None:
            await self.say("220 go on")
            await self.writer.start_tls(self.server.tls)
        elif verb == "DATA":
            await self.take_letter()
        else:
            if verb == "MAIL":
                self.sender, self.recipients = _address(line), []
            elif verb == "RCPT":
                self.recipients.append(_address(line))
            await self.say("250 fine")

    async def take_letter(self) -> None:
        await self.say("354 go on")
        raw = await self.reader.readuntil(b"\r\n.\r\n")
        self.server.letters.append(Received(self.sender, self.recipients, raw[:-5], self.encrypted))
        if self.server.on_letter is not None:
            self.server.on_letter()
        scripted = self.server.answers.get("LETTER")
        await self.say(scripted.pop(0) if scripted else "250 taken")

    async def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]
