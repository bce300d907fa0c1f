"""The mail gateway: what happens to a message between a mailbox and a ticket. This text is its specification.

One message, three steps
    1. `intake.store`: the raw bytes are committed, under the message's name in its mailbox, before anything else.
    2. `intake.process`: it is read, then one change makes it a ticket, an entry, or nothing (a duplicate), with all
       that follows from it: rules, clocks, mails to send. On SQLite messages that come in masses share commits.
    3. The folder is marked (\\Seen, moved to `archive`, Maildir's cur/), then the position in it is kept.
A process that dies between two steps leaves what the next round takes up: step 1 knows a message by its mailbox and
name, step 2 only takes what is still in the state `stored`, step 3 is repeated. `resume` begins every round with what
an earlier process stored and did not finish. A message whose processing was begun ATTEMPTS times and never ended is
taken for the reason and put into quarantine.

States of an intake row
    stored        waits for step 2
    ticket        made a ticket                 entry       went to an existing ticket
    machine       a machine's mail, filed on a ticket that exists, or as a ticket that asks for nothing
    duplicate     the desk has it already       quarantined could not be read or filed; `reason` says why
    dropped       a person decided that a quarantined message is to stay out
Nothing is deleted: the raw message stays, and a quarantined one can be tried again.

Reading
    A separate process reads each message, within a limit of time and of memory (`watchdog`). One that exceeds them, or
    kills its reader, goes to quarantine with that reason, and the rest goes on.

What is a duplicate
    The same bytes, in whatever mailbox. Or the same Message-ID from the same sender with the same subject, date, words
    and files (`copies.is_copy`): one mail that reached two of our mailboxes, or that a mailing list sent a second time.
    A Message-ID alone is no proof: whoever guesses one, or was sent the mail too, must not be able to make it
    disappear. Where there is none, the same words of the same sender with the same Date. A message with a Message-ID
    that we signed is our own, come back, and is not filed again.
    A copy that came in by the mailbox of another team links the ticket to that team too, which is told of it; so does
    a mailbox of another team in To or Cc, whether or not its copy comes in. The ticket's own team is that of the first.

Which ticket
    1. A merged ticket stands for the one it was merged into.
    2. Our own signed Message-ID in In-Reply-To, then in References, newest first.
    3. The token in the address that it was sent to: support+1042.SIGNATURE@example.com.
       What 2 and 3 say of a ticket holds for what was split off from it: where a newer message among those answered has
       a ticket of its own by now, that one is meant.
    4. A customer's Message-ID in In-Reply-To or References, if the sender takes part in that ticket.
    5. A subject tag [#1042], if the sender takes part in that ticket.
    6. None of them: a new ticket.
    Taking part: the requester (with any address of theirs), a follower, whoever wrote to the ticket (not who wrote a
    note by mail, and no machine), an active agent. Numbers can be guessed and senders forged: by a tag alone (5) nobody
    else joins and no answer goes to a Reply-To that takes no part, unless our server vouches for the sender's domain.
    A bounce belongs to the message that it returns.
    A stranger who names a ticket (4, 5) gets a new one; the two are linked as related, and whoever has the named one
    (else its team) is told, of at most TAGS_TRIED tickets and not for machine mail. Nothing that the stranger gets
    names it: its tag is taken out of the new subject. A number that does not exist, or is no longer to be had, is no
    reason for anything.

Closed tickets
    An answer within `desk.reopen_window` (14 days) reopens the ticket; a later one makes a new ticket, linked to the
    old one as its follow-up. Machine mail reopens nothing.

Who wrote
    The address in From is the identity; Reply-To says where an answer goes, and no more. Addresses are compared in one
    form (`tkt.desk.addresses`), ours with any "+detail" behind them.
    Staff (an agent's address) on an existing ticket, and anybody who answers a notification: an internal note, never
    a public message, because what was said inside must not leak. What such a note quotes mentions nobody. An agent
    who is the ticket's requester writes as a customer, except to a notification. Our own addresses (mailboxes, where
    bounces go, active agents) never become customers or followers: a mail from one of our mailboxes that names somebody
    from outside in Reply-To (a web form's mail) comes from that one.
    An agent is verified by `Authentication-Results` of our own server (`mailbox.authserv`, RFC 8601; which fields are
    believed is in `authentication`), which says that DMARC passed; or by answering the notification that was sent to
    this very address, since only its reader knows the signed Message-ID. From must name that one address alone, without
    a detail. Where our server says that DMARC failed for a staff address, the mail goes to quarantine; `retry` lets it
    in as a stranger's words that stay inside: filed in nobody's name, and marked.
    A verified agent whose answer to a notification begins with a line "#public" replies to the customer with what
    follows, signature and all but without quotes; where that can't be, or the notification may still be in it (quoted
    without a mark, attached), it stays a note, the history says why, and the agent is told. A verified agent who
    forwards a customer's mail to a mailbox opens the ticket for that customer: their words, files and address, the
    usual confirmation, and a note with what the agent wrote above. Where the original can't be told for sure
    (`forwards`), it is a mail of the agent's; where the desk has the original already, a note there.

    An answer to a digest of several tickets belongs to none of them: unless its subject names one, it goes to
    quarantine, which says so.

Machine mail
    Classified by `classify`, stored, filed with its reason; it gets no confirmation and moves no state, owner or
    clock. A mailing list that is one of our mailboxes is none (`own_lists`): what comes through it is judged as if it
    had come straight. A bounce belongs to the mail that its own signed address or the returned Message-ID names. A
    permanent one marks that mail as failed (it still goes to those who wait for it) and the ticket as undelivered and,
    where the address is at fault and that very mail went to it, the address as out of reach, as a complaint does; a
    later delivery to it, or a mail from it, takes that back.
    An automatic mail that answers no ticket of ours makes a ticket of its own, which `create` keeps out of everybody's
    way. What a desk sends by itself is limited, to one address, to everybody together, and to who repeats the same
    words (`tkt.desk.automatic`), so that two machines that answer each other soon fall silent.

Spam
    What our own server marked (`spam_marks`; or DMARC failed under a policy of reject or quarantine), or what comes
    from an address or a domain that an agent blocked, makes a closed ticket with the tag `spam`: found when looked
    for, confirmed to nobody, without promises, and only rules that ask for the tag act on it. On a ticket that it has
    a right to (2, 3) it is filed all the same; what a verified agent sends, or a person let in, never counts. With
    `mailbox.authserv` only marks above the first Received of a foreign server are believed; without, any: a forged
    mark harms its sender alone.

Mail from a pipe
    `ingest` takes one message from a mail server's pipe. Once step 1 has committed, the message is ours and the
    answer is success, even where the store is then too busy for step 2: the next pull, ingest or round of `serve`
    does that. A message that could not be stored, for whatever reason, is refused with "try again" (exit status
    75), so that the server keeps it.

Which mailbox does what
    A new ticket gets the team of the mailbox it came in by. Where the server offers IDLE (RFC 2177) its mail is taken
    in when it arrives, else every `mailbox.every`. A mailbox that is away keeps its error and does not hold up the
    others; it is tried again after growing pauses. A folder that can't be read does not hold up the mailbox's other
    folders. A message that its server does not hand over waits in quarantine, without its bytes, and is asked for
    again; those behind it are read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

from tkt.channels.mail.mailboxes import Mailbox, mailboxes, named
from tkt.channels.mail.reading import watchdog
from tkt.channels.mail.reading.parse import Unparseable
from tkt.channels.mail.receiving import intake
from tkt.channels.mail.receiving.pulling import Counts, Progress, PullResult, Round, Turn
from tkt.desk.addresses import without_detail
from tkt.desk.unit import Desk
from tkt.errors import TktError
from tkt.store.rows import rows

OTHERS_TURN = timedelta(minutes=2)
"""A message from a pipe that is younger is probably in the hands of the process that stored it."""


GoOn = Callable[[], None]


def pull(desk: Desk, names: Sequence[str] = (), progress: Progress | None = None) -> list[PullResult]:
    """Take in everything that waits in these mailboxes (none named: in all that are read), one after another.

    What an earlier round stored and did not finish comes first, whatever its mailbox. Raises NotFound (a name),
    StoreBusy, StoreUnreachable; a mail server's trouble is in the results.
    """
    with desk.look() as change:
        declared = mailboxes(change.definitions)
    chosen = named(declared, names) if names else [box for box in declared if box.source is not None]
    resumed = intake.resume(desk)
    return [Round(desk, box, Counts(box.name, progress, resumed), intake.NOBODY_WAITS).run() for box in chosen]


def pull_beside_others(desk: Desk, box: Mailbox, go_on: GoOn, turn: Turn) -> tuple[PullResult, bool] | None:
    """The same for one mailbox, while other threads do it for others; `turn` is held by whoever files messages, and
    `go_on` is called between two: it raises what ends the round.

    The second part tells whether its server let us in: a folder that can't be read is no reason to stay away. None
    where another process is reading this mailbox.
    """
    with desk.store.alone(f"pull {box.name}") as mine:
        if not mine:
            return None
        resumed = intake.resume(desk, mailbox=box.name, turn=turn, go_on=go_on)
        this = Round(desk, box, Counts(box.name, lambda *_: go_on(), resumed), turn)
        return this.run(), this.usable


def file_what_waits(desk: Desk, go_on: GoOn, turn: Turn) -> None:
    """File what was stored and never filed (a pipe's, while the store was busy), but for mailboxes being read now."""
    with desk.store.reading() as session:
        waiting = rows(session, "SELECT DISTINCT mailbox FROM intake WHERE state = 'stored'")
    for (mailbox,) in waiting:
        with desk.store.alone(f"pull {mailbox}") as mine:
            if mine:
                intake.resume(desk, mailbox=mailbox, turn=turn, go_on=go_on)


def ingest(desk: Desk, raw: bytes, mailbox: str | None = None) -> intake.Outcome:
    """Take in one message from a pipe. Its mailbox is the named one, else the one that it is addressed to.

    The outcome's state is "stored" when the message is safe but not filed yet. Raises TktError (NotFound for the
    mailbox, whatever is wrong with the store): then nothing is stored.
    """
    with desk.look() as change:
        declared = mailboxes(change.definitions)
    name = named(declared, [mailbox])[0].name if mailbox else _addressed(declared, raw)
    stored = intake.store(desk, name, [(f"pipe:{hashlib.sha256(raw).hexdigest()}", raw)])
    if not stored:
        return intake.Outcome("duplicate", reason="these bytes have come through the pipe before")
    outcome = intake.Outcome("stored")
    with suppress(TktError):  # the message is safe; a store that fails now must not make the mail bounce
        outcome = intake.process(desk, stored[0])
        intake.resume(desk, older_than=OTHERS_TURN)
    return outcome


def _addressed(declared: Sequence[Mailbox], raw: bytes) -> str:
    """The only mailbox there is, else the one that a message is addressed to, else none."""
    if len(declared) == 1:
        return declared[0].name
    try:
        mail = watchdog.read(raw)
        addressed = {*mail.delivered_to, *(one.email for one in (*mail.to, *mail.cc))}
    except Unparseable:
        addressed = set()
    addressed |= {without_detail(one) for one in addressed}  # with the token of a ticket or a bounce in it
    matching = [box.name for box in declared if not addressed.isdisjoint((box.address, box.return_path))]
    return next(iter(matching), "")
