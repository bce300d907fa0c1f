"""From the outbox to the mail server: claimed in one short transaction, sent outside of any, recorded in another.

Between the server's acceptance and our record lies a moment in which a crash means a second copy; it has the same
Message-ID, and mail stores fold it. A mail that somebody has to mend something for, or whose server is away, waits, and
what its mailbox sends waits with it for the next round; one that can't be written down, or over which connections break
off, is passed over.

Mails leave one after another: while a server is waited for, the mail of all mailboxes waits. That is a minute where a
server does not answer at all, once in a round, and `smtp.LETTER` minutes at most for one mail.

A server that takes no mail at all says nothing about the mail: what waits for it is tried every minute, so that it
leaves soon after the server is back.

Leaves to others: whose turn it is (`claiming`), what becomes of it (`recording`), the conversation (`smtp`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from email.errors import MessageError

from tkt.channels.mail.mailboxes import Mailbox
from tkt.channels.mail.sending.claiming import Claimed, Turn, claim
from tkt.channels.mail.sending.compose import Letter, compose
from tkt.channels.mail.sending.dkim import Signer
from tkt.channels.mail.sending.recording import Delivery, Result, Unrecorded, record
from tkt.channels.mail.sending.smtp import BROKEN, TIMEOUT_SECONDS, Receipt, Sender
from tkt.config.mail_urls import Server
from tkt.desk.addresses import ascii_domain
from tkt.desk.unit import Desk
from tkt.errors import MailboxUnusable, MailServerAway, TktError
from tkt.store.tables import Outbox

SERVER_AWAY = timedelta(minutes=1)
"""The next attempt after one that failed because the mailbox's server took no mail at all."""

_UNWRITABLE = (ValueError, LookupError, TypeError, AttributeError, MessageError)
"""What composing a mail may raise: there are addresses and names of which the library makes no header."""


def deliver(
    desk: Desk,
    *,
    now_all: bool = False,
    timeout: float = TIMEOUT_SECONDS,
    progress: Callable[[Delivery], None] | None = None,
    unrecorded: Unrecorded | None = None,
) -> list[Delivery]:
    """Send what is due; with `now_all` everything that waits, whatever its undo window or back-off.

    A row is tried once. `timeout` is in seconds, for each of a server's answers; `progress` is told of each row. Raises
    StoreBusy and StoreUnreachable; a mail server's trouble is in the results and on the rows. Who delivers again and
    again gives the same `unrecorded` each time.
    """
    done: list[Delivery] = []
    unrecorded = {} if unrecorded is None else unrecorded
    for identifier in list(unrecorded):
        record(desk, unrecorded.pop(identifier), unrecorded)
    with _Senders(timeout, unrecorded) as senders:
        while (claimed := claim(desk, _turn(now_all, done, senders))) is not None:
            done.append(_attempt(desk, senders, claimed))
            if progress is not None:
                progress(done[-1])
    return done


def _turn(now_all: bool, done: list[Delivery], senders: _Senders) -> Turn:
    return Turn(now_all, done[-1].outbox_id if done else 0, senders.away, not done)


class _Senders:
    """One connection and one signer for each mailbox, for the length of a round."""

    def __init__(self, timeout: float, unrecorded: Unrecorded) -> None:
        self.unrecorded = unrecorded
        self.away: dict[str, TktError] = {}
        """Mailboxes whose server did not take mail, and why: nothing more of theirs is tried in this round."""
        self._timeout = timeout
        self._open: dict[str, Sender] = {}
        self._signers: dict[str, Signer] = {}

    def of(self, box: Mailbox, server: Server) -> Sender:
        if box.name not in self._open:
            self._open[box.name] = Sender(box, server, self._timeout)
        return self._open[box.name]

    def signed(self, box: Mailbox, letter: Letter) -> Letter:
        """The letter with the mailbox's signature, where it has one. Raises MailboxUnusable."""
        if box.dkim is None:
            return letter
        if box.name not in self._signers:
            self._signers[box.name] = Signer(box.name, box.dkim)
        return letter._replace(content=self._signers[box.name].sign(letter.content))

    def __enter__(self) -> _Senders:
        return self

    def __exit__(self, *_error: object) -> None:
        for sender in self._open.values():
            sender.close()


def _attempt(desk: Desk, senders: _Senders, claimed: Claimed) -> Delivery:
    """Hand over one claimed row and record what came of it."""
    row, box = claimed.row, claimed.box
    if box is None or box.sender is None:
        which = f"mailbox {box.name} has no smtp" if box else "no mailbox is declared"
        senders.away[row.mailbox] = MailboxUnusable(f"{which} in desk.toml")
        return _put_off(desk, senders, row, box, senders.away[row.mailbox])
    if box.name in senders.away:
        return _put_off(desk, senders, row, box, senders.away[box.name])
    try:
        sender = senders.of(box, box.sender)
        receipt = _hand_over(senders, sender, claimed, box)
    except (MailServerAway, MailboxUnusable) as error:
        senders.away[box.name] = error
        return _put_off(desk, senders, row, box, error)
    if sender.broken >= BROKEN:
        senders.away[box.name] = MailServerAway(receipt.words)
    return record(desk, Result(row, receipt), senders.unrecorded)._replace(mailbox=box.name)


def _hand_over(senders: _Senders, sender: Sender, claimed: Claimed, box: Mailbox) -> Receipt:
    """Send to everybody; without those whose address the server can't take, so that they don't stop the others."""
    everybody = tuple(claimed.row.recipients)
    letter = _letter(claimed, box, everybody)
    if isinstance(letter, Receipt):
        return letter
    if not letter.needs_smtputf8 or not (lack := sender.lacks_smtputf8()):
        return sender.send(senders.signed(box, letter))
    if not letter.sender.isascii():
        return Receipt(refused=everybody, words=f"the address {letter.sender} {lack}")
    others = tuple(one for one in everybody if ascii_domain(one).isascii())
    beyond = tuple(one for one in everybody if one not in others)
    words = "; ".join(f"the address {one} {lack}" for one in beyond)
    for_others = _letter(claimed, box, others) if others else Receipt()
    if isinstance(for_others, Letter):
        for_others = sender.send(senders.signed(box, for_others))
    said = "; ".join(filter(None, (words, for_others.words)))
    return for_others._replace(refused=(*for_others.refused, *beyond), words=said)


def _letter(claimed: Claimed, box: Mailbox, recipients: tuple[str, ...]) -> Letter | Receipt:
    """The mail as it leaves, or, where it can't be written down, what to say of it."""
    row = claimed.row
    try:
        letter = compose(
            row.mail | {"from_address": row.mail.get("from_address") or box.address},
            message_id=row.message_id,
            at=row.created_at,
            mark=claimed.mark,
            recipients=recipients,
            return_path=claimed.return_path,
            files=claimed.files,
        )
    except _UNWRITABLE as error:
        return Receipt(refused=recipients, words=f"the mail can't be written: {error}")
    return letter if letter.recipients else Receipt(refused=recipients, words="it has no address to go to")


def _put_off(desk: Desk, senders: _Senders, row: Outbox, box: Mailbox | None, error: TktError) -> Delivery:
    """Nothing of the mailbox leaves now, and not because of this mail."""
    receipt = Receipt(later=tuple(row.recipients), words=str(error))
    done = record(desk, Result(row, receipt, SERVER_AWAY), senders.unrecorded)
    server = "away" if isinstance(error, MailServerAway) else "unusable"
    return done._replace(mailbox=box.name if box else row.mailbox, server=server)
