"""Mail on an IMAP server: read by UID, in batches, flagged only after the desk has committed (RFC 3501).

Every message with a UID above the position is read, seen or not: what a person has opened in a webmail is still a
request. Sizes are asked first, so that a huge message comes alone; BODY.PEEK[] leaves the flags to us. When UIDVALIDITY
changes, UIDs mean nothing any more and the folder is read from its start; the intake recognises what it knows. A
message that the server does not hand over is given as refused, and those behind it are read.

A message's name is "UIDVALIDITY:UID" in INBOX, with the folder's name before it elsewhere: it depends on nothing but
where the message is, so that a folder may change its place in desk.toml.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from typing import cast

from imapclient import SEEN
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError

from tkt.channels.mail.mailboxes import Mailbox, read_folders
from tkt.channels.mail.receiving.imap_session import ImapSession
from tkt.channels.mail.receiving.sources import BATCH_MESSAGES, Batch, Care, Fetched, Item, Known, Position, in_batches
from tkt.config.mail_urls import Server
from tkt.errors import MailboxUnusable

UID_WINDOW = 80_000
"""UIDs asked for in one SEARCH: its answer is one line, and imaplib refuses lines above a megabyte."""

SLACK = 256_000_000
"""How many bytes more than it announced a message may have when it is fetched alone: some servers can't count."""


class ImapAccount:
    """A mailbox on a server, connected: its folders, one after another."""

    def __init__(self, box: Mailbox, server: Server, timeout: float | None = None) -> None:
        self.folders: Sequence[str] = read_folders(box, server)
        self.session = ImapSession(box, server, timeout)

    def open(self, folder: str, care: Care | None = None) -> ImapFolder:
        """Select a folder. Raises MailServerAway, MailboxUnusable (of this folder only)."""
        return ImapFolder(self.session, folder, care or Care())

    def close(self) -> None:
        self.session.close()


class ImapFolder:
    """The selected folder of a session; its archive is made if need be, unless `prepare` is false."""

    def __init__(self, session: ImapSession, folder: str, care: Care, *, prepare: bool = True) -> None:
        self.folder = folder
        self.at_hand: Sequence[str] = ()
        self._session, self._client, self._care = session, session.client, care
        self._archive = session.box.archive if session.box.archive != folder else ""
        self._prefix = "" if folder.upper() == "INBOX" else f"{folder}:"
        self._select()
        if prepare and self._archive and not self.read_only:
            self._make_archive()

    def batches(self, position: Position, known: Known) -> Iterator[Batch]:
        if position.validity != self._validity:
            position = Position(self._validity, 0)
        everything = self._uids_after(position.last)
        uids = [uid for uid in everything if self._name(uid) not in self._care.skip]
        remaining = len(uids)
        for group in in_batches(self._sizes(uids)):
            remaining -= len(group)
            position = Position(self._validity, group[-1][0])
            yield Batch(self._fetch(group, known), position, remaining)
        if everything and everything[-1] > position.last:  # those that are skipped, or gone
            yield Batch([], Position(self._validity, everything[-1]), 0)

    def again(self, names: Sequence[str]) -> Iterator[Fetched]:
        """Another attempt at messages that were refused, one by one; those that are gone are not given."""
        uids = [uid for uid in map(self._uid, names) if uid is not None]
        for uid in uids:
            if self._still_there([uid]) and (one := self._fetch_alone(uid, 0)) is not None:
                yield one

    def mark(self, batch: Batch) -> None:
        uids = [int(message.handle) for message in batch.messages if not message.refused]
        if not uids or self.read_only:
            return
        with self._session.translated(self.folder):
            self._client.add_flags(uids, [SEEN], silent=True)
            if self._archive:
                self._move(uids)

    # --- the folder -----------------------------------------------------------------------------------------------

    def _select(self) -> None:
        with self._session.translated(self.folder):
            try:
                answer = self._client.select_folder(self.folder)
            except IMAPClientReadOnlyError:  # it is selected; imaplib wants to be told that we know
                answer = self._client.select_folder(self.folder, readonly=True)
            except IMAPClientAbortError:
                raise
            except IMAPClientError as error:
                raise MailboxUnusable(self._not_selected(str(error))) from None
            self._validity = int(answer.get(b"UIDVALIDITY", 0))
            self._next_uid = int(answer.get(b"UIDNEXT", 0))
            self.messages = int(answer.get(b"EXISTS", 0))
            self.read_only = bool(answer.get(b"READ-ONLY"))

    def _not_selected(self, words: str) -> str:
        """The sentence for a folder that can't be selected: is it there, and what is there instead?"""
        names = [name for _flags, _separator, name in self._client.list_folders()]
        if self.folder in names:
            return f"{self._session.where}, folder {self.folder}: {words}"
        near = get_close_matches(self.folder, names, 1, 0.6)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(sorted(names)[:20])}"
        return f"{self._session.where} has no folder {self.folder}: {hint}"

    def _make_archive(self) -> None:
        with self._session.translated(self._archive):
            if self._client.folder_exists(self._archive):
                return
            try:
                self._client.create_folder(self._archive)
            except IMAPClientError:
                if not self._client.folder_exists(self._archive):  # another process was quicker
                    raise

    # --- reading --------------------------------------------------------------------------------------------------

    def _uids_after(self, last: int) -> list[int]:
        """The UIDs above `last`, ascending. `n:*` always names the newest message, however low its UID (RFC 3501)."""
        if not self._next_uid:
            return sorted(uid for uid in self._search(f"{last + 1}:*") if uid > last)
        uids: set[int] = set()
        for low in range(last + 1, self._next_uid, UID_WINDOW):
            uids.update(self._search(f"{low}:{min(low + UID_WINDOW, self._next_uid) - 1}"))
        return sorted(uid for uid in uids if uid > last)

    def _search(self, span: str) -> list[int]:
        with self._session.translated(self.folder):
            self._session.allow()
            return cast("list[int]", list(self._client.search(["UID", span])))

    def _sizes(self, uids: Sequence[int]) -> Iterator[tuple[tuple[int, int], int]]:
        """((UID, size), size) of the messages that are still there."""
        for chunk in self._chunks(uids):
            for one in self._sizes_of(chunk):
                yield one, one[1]

    def _sizes_of(self, uids: Sequence[int]) -> list[tuple[int, int]]:
        """(UID, size); 0 where the server refuses to say: whether it hands the message over is seen later."""
        try:
            with self._asking(uids):
                self._session.allow()
                answer = self._client.fetch(uids, ["RFC822.SIZE"])
                sized = {uid: int(answer[uid].get(b"RFC822.SIZE") or 0) for uid in uids if uid in answer}
            there = self._still_there([uid for uid in uids if uid not in sized])
            return [(uid, sized.get(uid, 0)) for uid in uids if uid in sized or uid in there]
        except MailboxUnusable:
            return [(uids[0], 0)] if len(uids) == 1 else [one for uid in uids for one in self._sizes_of([uid])]

    def _chunks(self, items: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """As many together as the connections of this round have stood."""
        for start in range(0, len(items), self._care.together):
            yield items[start : start + self._care.together]

    def _fetch(self, group: Sequence[tuple[int, int]], known: Known) -> list[Fetched]:
        """The messages, those that the desk has stored already without their bytes: they only want their flag."""
        stored = known([self._name(uid) for uid, _ in group])
        fetched = {one.source: one for one in self._bodies([one for one in group if self._name(one[0]) not in stored])}
        for uid, _ in group:
            if self._name(uid) in stored:
                fetched[self._name(uid)] = Fetched(self._name(uid), None, str(uid))
        return [fetched[self._name(uid)] for uid, _ in group if self._name(uid) in fetched]

    def _bodies(self, wanted: Sequence[tuple[int, int]]) -> Iterator[Fetched]:
        """All at once, then one by one those that the server keeps back."""
        if len(wanted) > 1:
            found = [one for chunk in self._chunks(wanted) for one in self._bodies_at_once(chunk)]
            yield from found
            got = {one.handle for one in found}
            wanted = [one for one in wanted if str(one[0]) not in got]
        for uid, size in wanted:
            if (one := self._fetch_alone(uid, size)) is not None:
                yield one

    def _bodies_at_once(self, wanted: Sequence[tuple[int, int]]) -> list[Fetched]:
        """Those that the server hands over. One answer of NO or BAD stands for all of them: then none."""
        uids = [uid for uid, _ in wanted]
        try:
            found = self._ask(uids, 2 * sum(size for _, size in wanted))
        except MailboxUnusable:
            return []
        return [Fetched(self._name(uid), found[uid], str(uid)) for uid in uids if found.get(uid)]

    def _fetch_alone(self, uid: int, size: int) -> Fetched | None:
        """One message, or why it can't be had; None when it is not there any more."""
        words = f"{self._session.where} gives nothing for message {uid} of {self.folder}"
        try:
            if raw := self._ask([uid], 2 * size + SLACK).get(uid):
                return Fetched(self._name(uid), raw, str(uid))
        except MailboxUnusable as error:
            words = str(error)
        return Fetched(self._name(uid), None, str(uid), words) if self._still_there([uid]) else None

    def _still_there(self, uids: Sequence[int]) -> set[int]:
        """Those that have not been expunged; what a server leaves out of an answer is not gone for that."""
        if not uids:
            return set()
        with self._session.translated(self.folder):
            self._client.noop()  # only now the server may say what has been expunged
        starts = range(0, len(uids), BATCH_MESSAGES)
        chunks = (uids[start : start + BATCH_MESSAGES] for start in starts)
        return {uid for chunk in chunks for uid in self._search(",".join(map(str, chunk)))} & set(uids)

    def _ask(self, uids: Sequence[int], allowed: int) -> dict[int, bytes]:
        with self._asking(uids):
            self._session.allow(allowed)
            answer = self._client.fetch(uids, ["BODY.PEEK[]"])
            found = {uid: answer[uid].get(b"BODY[]") for uid in uids if uid in answer}
        return {uid: raw for uid, raw in found.items() if isinstance(raw, bytes)}

    @contextmanager
    def _asking(self, uids: Sequence[int]) -> Iterator[None]:
        """While the server is asked for these messages, and when that ends the connection, `at_hand` names them."""
        self.at_hand = [self._name(uid) for uid in uids]
        try:
            with self._session.translated(self.folder):
                yield
        except MailboxUnusable:
            self.at_hand = ()
            raise
        self.at_hand = ()

    def _name(self, uid: int) -> str:
        return f"{self._prefix}{self._validity}:{uid}"

    def _uid(self, name: str) -> int | None:
        """The UID in a name of this folder as it is now, or None."""
        start = self._name(0)[:-1]
        uid = name.removeprefix(start)
        return int(uid) if name.startswith(start) and uid.isdecimal() else None

    # --- afterwards -----------------------------------------------------------------------------------------------

    def _move(self, uids: Sequence[int]) -> None:
        """Without UIDPLUS nothing is expunged: EXPUNGE would take what others have marked, too (RFC 4315)."""
        if self._client.has_capability("MOVE"):
            self._client.move(uids, self._archive)
            return
        self._client.copy(uids, self._archive)
        self._client.delete_messages(uids, silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(uids)
