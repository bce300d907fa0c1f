"""A mailbox's URL says where, how safely and as whom; never with which password."""

from __future__ import annotations

import pytest

from tkt.config.mail_urls import MailFile, Server, parse_sender, parse_source
from tkt.errors import UsageError


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("imaps://a@h", Server("imap", "tls", "h", 993, "a", "INBOX")),
        ("imaps://a@h:1993/Support/New", Server("imap", "tls", "h", 1993, "a", "Support/New")),
        ("imaps://a%40x.org@h/%C3%9C%20n", Server("imap", "tls", "h", 993, "a@x.org", "Ü n")),
        ("imaps://a@x.org@h/", Server("imap", "tls", "h", 993, "a@x.org", "INBOX")),
        ("imap://a@h", Server("imap", "starttls", "h", 143, "a", "INBOX")),
        ("imap+plain://a@127.0.0.9", Server("imap", "plain", "127.0.0.9", 143, "a", "INBOX")),
        ("imap+plain://a@[::1]:99", Server("imap", "plain", "::1", 99, "a", "INBOX")),
        ("maildir:/var/mail/x", MailFile("maildir", "/var/mail/x")),
        ("maildir:///var/mail/x", MailFile("maildir", "/var/mail/x")),
        ("mbox:./in.mbox", MailFile("mbox", "./in.mbox")),
    ],
)
def test_a_source_is_read(url: str, source: Server | MailFile) -> None:
    assert parse_source(url) == source


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("smtps://a@h", Server("smtp", "tls", "h", 465, "a")),
        ("smtp://h", Server("smtp", "starttls", "h", 587, "")),
        ("smtp+plain://localhost:1025", Server("smtp", "plain", "localhost", 1025, "")),
    ],
)
def test_a_sender_is_read(url: str, sender: Server) -> None:
    assert parse_sender(url) == sender


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("imaps://h", "needs to know who reads"),
        ("imaps://a:hush@h", "a password does not belong"),
        ("imaps://a:@h", "a password does not belong"),
        ("imap+plain://a@mail.example.com", "without TLS"),
        ("imap+plain://a@10.0.0.1", "without TLS"),
        ("imap+plain://a@localhost.example.com", "without TLS"),
        ("pop3://a@h", "write imaps://"),
        ("mail.example.com", "write imaps://"),
        ("imaps://a@", "write imaps://"),
        ("imaps://a@h:99999", "host or port is malformed"),
        ("imaps://a@[::1", "host or port is malformed"),
        ("imaps://a@h/x?y", "ends after the host and folder"),
        ("maildir:", "needs the path"),
        ("mbox://", "needs the path"),
    ],
)
def test_a_source_that_can_not_be_used_is_refused(url: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_source(url)
    assert words in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("url", ["smtp://h/folder", "smtp+plain://h", "smtps://a:hush@h", "imaps://a@h", ""])
def test_a_sender_that_can_not_be_used_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        parse_sender(url)
