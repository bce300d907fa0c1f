"""Mail on an IMAP server: read by UID, in batches, flagged only after the desk has committed (RFC 3501).

Every message with a UID above the position is read, seen or not: what a person has opened in a webmail is still a
request. Sizes are asked first, so that a huge message comes alone; BODY.PEEK[] leaves the flags to us. When UIDVALIDITY
changes, UIDs mean nothing any more and the folder is read from its start; the intake recognises what it knows.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, cast

from imapclient import SEEN, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, LoginError

from tkt.channels.mail.mailboxes import Mailbox, password, tls_context
from tkt.channels.mail.sources import Batch, Fetched, Known, Position, in_batches
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable, MailServerAway

TIMEOUT_SECONDS = 60
"""How long a server may say nothing before it counts as away."""

UID_WINDOW = 80_000
"""UIDs asked for in one SEARCH: its answer is one line, and imaplib refuses lines above a megabyte."""

SIZES_AT_ONCE = 2_000


class ImapFolder:
    """One folder of one server, connected."""

    def __init__(self, box: Mailbox, server: Server, timeout: float = TIMEOUT_SECONDS) -> None:
        self.folder = server.folder
        self._box = box
        self._where = f"mailbox {box.name}: {server.host}:{server.port}"
        with self._translated():
            self._client = self._connect(server, timeout)
        try:
            self._log_in(server.user)
            self._select()
        except BaseException:  # whatever ends us here, the connection must not stay open
            self.close()
            raise

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        if position.validity != self._validity:
            position = Position(self._validity, 0)
        uids = self._uids_after(position.last)
        remaining = len(uids)
        for group in in_batches(self._sizes(uids)):
            remaining -= len(group)
            position = Position(self._validity, group[-1])
            yield Batch(self._fetch(group, known), position, remaining)

    def mark(self, batch: Batch) -> None:
        uids = [int(message.handle) for message in batch.messages]
        if not uids or self._read_only:
            return
        with self._translated():
            self._client.add_flags(uids, [SEEN], silent=True)
            if self._box.archive:
                self._move(uids)

    def close(self) -> None:
        with suppress(OSError, IMAPClientError):
            self._client.logout()
        with suppress(OSError, IMAPClientError):
            self._client.shutdown()

    # --- connecting -----------------------------------------------------------------------------------------------

    def _connect(self, server: Server, timeout: float) -> Any:
        if server.security == "tls":
            return IMAPClient(server.host, server.port, ssl_context=tls_context(self._box), timeout=timeout)
        client = IMAPClient(server.host, server.port, ssl=False, timeout=timeout)
        if server.security == "starttls":
            try:
                client.starttls(tls_context(self._box))
            except BaseException:  # whatever ends us here, the connection must not stay open
                with suppress(OSError):
                    client.shutdown()
                raise
        return client

    def _log_in(self, user: str) -> None:
        secret = password(self._box)
        with self._translated():
            if secret.reveal().isascii():
                self._client.login(user, secret.reveal())
            else:  # LOGIN knows ASCII only (RFC 3501); PLAIN is UTF-8 (RFC 4616)
                self._client.plain_login(user, secret.reveal())

    def _select(self) -> None:
        with self._translated():
            answer = self._client.select_folder(self.folder)
            if self._box.archive and not self._client.folder_exists(self._box.archive):
                self._client.create_folder(self._box.archive)
        self._validity = int(answer.get(b"UIDVALIDITY", 0))
        self._next_uid = int(answer.get(b"UIDNEXT", 0))
        self._read_only = bool(answer.get(b"READ-ONLY"))

    # --- reading --------------------------------------------------------------------------------------------------

    def _uids_after(self, last: int) -> list[int]:
        """The UIDs above `last`, ascending. `n:*` always names the newest message, however low its UID (RFC 3501)."""
        if not self._next_uid:
            return sorted(uid for uid in self._search(f"{last + 1}:*") if uid > last)
        uids: list[int] = []
        for low in range(last + 1, self._next_uid, UID_WINDOW):
            uids += self._search(f"{low}:{min(low + UID_WINDOW, self._next_uid) - 1}")
        return sorted(uids)

    def _search(self, span: str) -> list[int]:
        with self._translated():
            return cast("list[int]", list(self._client.search(["UID", span])))

    def _sizes(self, uids: Sequence[int]) -> Iterator[tuple[int, int]]:
        for start in range(0, len(uids), SIZES_AT_ONCE):
            chunk = uids[start : start + SIZES_AT_ONCE]
            with self._translated():
                answer = self._client.fetch(chunk, ["RFC822.SIZE"])
            for uid in chunk:
                if uid in answer:  # it may have been expunged meanwhile
                    yield uid, int(answer[uid].get(b"RFC822.SIZE", 0))

    def _fetch(self, uids: Sequence[int], known: Known) -> list[Fetched]:
        """The messages, those that the desk has stored already without their bytes: they only want their flag."""
        stored = known([self._name(uid) for uid in uids])
        wanted = [uid for uid in uids if self._name(uid) not in stored]
        with self._translated():
            answer = self._client.fetch(wanted, ["BODY.PEEK[]"]) if wanted else {}
        found = {uid: answer[uid][b"BODY[]"] for uid in wanted if b"BODY[]" in answer.get(uid, {})}
        present = [uid for uid in uids if uid in found or self._name(uid) in stored]
        return [Fetched(self._name(uid), found.get(uid), str(uid)) for uid in present]

    def _name(self, uid: int) -> str:
        return f"{self._validity}:{uid}"

    # --- afterwards -----------------------------------------------------------------------------------------------

    def _move(self, uids: Sequence[int]) -> None:
        if self._client.has_capability("MOVE"):
            self._client.move(uids, self._box.archive)
            return
        self._client.copy(uids, self._box.archive)
        self._client.delete_messages(uids, silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What the server or the network says, in our own words, without the frames that held a password."""
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxUnusable(f"{self._where} can't be trusted: {error.verify_message}") from None
        except LoginError as error:
            if isinstance(error.__context__, IMAPClientAbortError) or "UNAVAILABLE" in str(error):  # RFC 5530
                raise MailServerAway(f"{self._where} can't check the login now") from None
            raise MailboxUnusable(f"{self._where} refuses the login: check user and password") from None
        except (OSError, EOFError, IMAPClientAbortError) as error:
            raise MailServerAway(f"{self._where} does not answer: {error}") from None
        except IMAPClientError as error:
            raise MailboxUnusable(f"{self._where}, folder {self.folder}: {error}") from None
