"""Signed mail: verified with the library's own verifier, after a real server has taken it; the DNS is a function."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path
from typing import Any

import dkim
import pytest
from nacl.signing import SigningKey

from tkt.channels.mail.mailboxes import Dkim
from tkt.channels.mail.sending.deliver import deliver
from tkt.channels.mail.sending.dkim import Signer
from tkt.desk import conversation, tickets
from tkt.desk.conversation import Upload
from tkt.desk.unit import Desk, find_actor
from tkt.errors import MailboxUnusable

ANN = "ann@customer.example"
MAIL = b"From: a@desk.example\r\nTo: b@customer.example\r\nSubject: Hello\r\n\r\nHello\r\n"

Keys = Callable[[str], tuple[str, bytes]]


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    path = tmp_path_factory.mktemp("dkim") / "rsa.pem"
    subprocess.run(["openssl", "genrsa", "-out", str(path), "2048"], check=True, capture_output=True)
    public = subprocess.run(
        ["openssl", "rsa", "-in", str(path), "-pubout", "-outform", "DER"], check=True, capture_output=True
    )
    return path, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public.stdout)


@pytest.fixture
def keys(rsa_key: tuple[Path, bytes], tmp_path: Path) -> Keys:
    """keys(kind) gives a key's path and what its domain publishes of it."""

    def make(kind: str) -> tuple[str, bytes]:
        if kind == "rsa":
            return str(rsa_key[0]), rsa_key[1]
        secret = SigningKey.generate()
        text = base64.b64encode(bytes(secret))
        if kind == "ed25519 pem":
            der = bytes.fromhex("302e020100300506032b657004220420") + bytes(secret)
            text = b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der) + b"\n-----END PRIVATE KEY-----\n"
        (tmp_path / "key").write_bytes(text)
        return str(tmp_path / "key"), b"v=DKIM1; k=ed25519; p=" + base64.b64encode(bytes(secret.verify_key))

    return make


def verified(content: bytes, published: bytes) -> bool:
    def dns(name: bytes, timeout: int = 5) -> bytes:
        return published if name == b"mail2026._domainkey.desk.example." else b""

    return bool(dkim.verify(content, dnsfunc=dns))


@pytest.mark.parametrize("kind", ["rsa", "ed25519", "ed25519 pem"])
def test_what_the_server_took_is_signed(
    sqlite_desk: Desk, declare: Callable[..., None], postman: Any, keys: Keys, kind: str
) -> None:
    path, published = keys(kind)
    settings: Any = {"selector": "mail2026", "key": path}
    declare(sqlite_desk, **postman.body(dkim=settings, return_path="bounces@desk.example", plus=True))
    alice = sqlite_desk.acting(find_actor(sqlite_desk.store, "alice"))
    number = tickets.create(alice, "Grüße", requester=("Ann", ANN)).number or 0
    text = "Zeile mit Ümlaut  \n.\n..dots\nFrom here on\n" + "long " * 300 + "\n\n\n"
    conversation.reply(alice, number, text, cc=["bo@c.example"], attachments=[Upload("ü.bin", "a/b", b"\0\r\n.\r\n")])
    assert [one.state for one in deliver(sqlite_desk, now_all=True)] == ["sent"]
    [envelope] = postman.received
    content = envelope.original_content
    assert verified(content, published)
    fields = message_from_bytes(content)["DKIM-Signature"].replace(" ", "")
    assert "c=relaxed/relaxed" in fields and "d=desk.example" in fields
    signed = "".join(fields.split("h=")[1].split(";")[0].split()).split(":")
    assert signed.count("from") == 2
    assert {"to", "cc", "subject", "date", "message-id", "mime-version", "content-type", "reply-to"} <= set(signed)
    assert not verified(content.replace(b"bo@c.example", b"eve@c.example"), published)
    assert not verified(b"From: eve@c.example\r\n" + content, published)


def test_the_signature_stands_before_the_mail_and_changes_nothing_of_it(rsa_key: tuple[Path, bytes]) -> None:
    signer = Signer("support", Dkim("mail2026", str(rsa_key[0]), "desk.example"))
    signed = signer.sign(MAIL)
    assert signed.endswith(MAIL) and verified(signed, rsa_key[1])


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (None, "can't be read: No such file"),
        (b"nonsense", "is no RSA or Ed25519 private key"),
        (b"", "is no RSA or Ed25519 private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "is no RSA or Ed25519 private key"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "is no RSA or Ed25519 private key"),
        (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n", "has a passphrase"),
    ],
)
def test_a_key_that_can_t_be_used_is_to_be_mended(tmp_path: Path, written: bytes | None, words: str) -> None:
    if written is not None:
        (tmp_path / "key.pem").write_bytes(written)
    with pytest.raises(MailboxUnusable, match=f"mailbox support: the DKIM key .*key.pem {words}"):
        Signer("support", Dkim("mail2026", str(tmp_path / "key.pem"), "desk.example")).sign(MAIL)


def test_without_its_key_a_mailbox_s_mail_waits_and_others_leave(
    sqlite_desk: Desk, declare: Callable[..., None], postman: Any, tmp_path: Path
) -> None:
    settings: Any = {"selector": "mail2026", "key": str(tmp_path / "gone.pem")}
    declare(sqlite_desk, **postman.body(dkim=settings))
    declare(sqlite_desk, "sales", "sales@desk.example", **postman.body())
    alice = sqlite_desk.acting(find_actor(sqlite_desk.store, "alice"))
    for mailbox in ("support", "sales"):
        ticket = tickets.create(alice, "VPN", requester=("Ann", ANN), mailbox=mailbox)
        conversation.reply(alice, ticket.number or 0, f"From {mailbox}")
    first, second = deliver(sqlite_desk, now_all=True)
    assert (first.state, first.server, second.state) == ("waiting", "unusable", "sent")
    assert "the DKIM key" in first.error and "gone.pem can't be read" in first.error
