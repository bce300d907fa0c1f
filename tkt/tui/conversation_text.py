"""A ticket as coloured lines: its facts, its promises, its conversation or its history.

Who speaks is said three times: by a word (CUSTOMER, REPLY, INTERNAL NOTE, MACHINE), by the line's left edge, by colour.
Strangers' text passes `safe_text` and is never parsed as markup. Quotes and signatures are folded unless asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style

from tkt.safe_text import safe_block, safe_line
from tkt.sla.open_time import format_open_time
from tkt.store.read_clocks import ClockRow
from tkt.store.read_entries import File, Message
from tkt.store.read_events import EventRow
from tkt.times import age, from_micros
from tkt.tui import theme
from tkt.tui.columns import DRAFT, SECOND, Cell, Context, deadline
from tkt.tui.source import MOST_READ, Reading
from tkt.tui.text_lines import hanging, wrapped

TEXT_LIMIT = 60_000
"""Characters of one message that are shown; `tkt show` prints all."""
BAR = 10

Line = list[Segment]


class Page(NamedTuple):
    """The ticket's facts, then lines, and which of those begin a message."""

    facts: list[Line]
    lines: list[Line]
    starts: list[int]


class Voice(NamedTuple):
    """How one kind of message looks."""

    word: str
    head: Style
    edge: str
    text: Style


CUSTOMER = Voice("CUSTOMER", theme.CUSTOMER, "  ", theme.PLAIN)
REPLY = Voice("REPLY", theme.REPLY, "│ ", theme.PLAIN)
NOTE = Voice("INTERNAL NOTE", theme.NOTE, "▒ ", theme.NOTE_TEXT)
MACHINE = Voice("MACHINE", theme.MACHINE, "┆ ", theme.DIM)
VOICES = {"inbound": CUSTOMER, "reply": REPLY, "note": NOTE}

DELIVERY = {
    "waiting": Cell("waiting to be sent", theme.NOTICE),
    "sent": Cell("sent", theme.GOOD),
    "failed": Cell("NOT DELIVERED", theme.LATE),
    "recalled": Cell("recalled", theme.DIM),
}


def conversation_page(reading: Reading, width: int, context: Context, unfolded: bool) -> Page:
    """The ticket's facts and its messages, oldest first."""
    lines: list[Line] = []
    starts: list[int] = []
    if reading.earlier:
        lines.append([Segment(_earlier(reading), theme.FOLDED)])
    for message in reading.messages:
        if lines:
            lines.append([])
        starts.append(len(lines))
        subject = reading.row.subject if message.position == 1 else ""  # of the mail that opened the ticket
        lines += _message(message, subject, width, context, unfolded)
    return Page(list(_facts(reading, width, context)), lines, starts)


def _earlier(reading: Reading) -> str:
    cut = len(reading.messages) >= MOST_READ
    how = f"'tkt show {reading.row.number}' prints them" if cut else "enter shows them"
    return f"… {reading.earlier:,} earlier message{'s' * (reading.earlier != 1)}; {how}"


def history_page(reading: Reading, width: int, context: Context) -> Page:
    """The ticket's facts and its history, newest first."""
    lines: list[Line] = []
    for event in reversed(reading.events):
        ago = age(max(0, context.now - event.at) // SECOND)
        for number, text in enumerate(wrapped(event_words(event), width - 6)):
            lines.append([Segment(f"{'' if number else ago:>4}  ", theme.DIM), Segment(text)])
    return Page(list(_facts(reading, width, context)), lines, [])


def promises_page(reading: Reading, width: int, context: Context) -> Page:
    """The ticket's facts and why its deadlines are what they are, as `tkt sla explain` says it."""
    explained = (line for text in reading.promises for line in hanging(text, width))
    return Page(list(_facts(reading, width, context)), [[Segment(line)] for line in explained], [])


def event_words(event: EventRow) -> str:
    """One event in words: who, what, from, to, why."""
    what = event.verb
    if isinstance(event.new, list):  # the ids of the messages that moved are for scripts
        what = f"{len(event.new)} {event.field}"
    elif event.field and event.old is event.new is None:
        what = f"{event.verb} {event.field}"
    elif event.field:
        old, new = _value(event.old), _value(event.new)
        what = f"{event.field}: {old} → {new}" if event.old is not None else f"{event.field}: {new}"
    because = f" ({event.cause})" if event.cause else ""
    return safe_line(f"{event.actor}, {what}{because}", 400)


def concerning_me(events: Iterable[EventRow], me: str, members: Mapping[str, Collection[str]]) -> str:
    """The newest event by which somebody mentions me or my team (`members`: of each that was mentioned), or gives me a
    ticket, in words; "" if there is none.
    """
    found = ""
    for event in events:
        if event.verb == "mention" and event.field == "team" and me in members.get(str(event.new), ()):
            found = f"{event.actor} mentioned {event.new} on #{event.ticket}"
        elif event.verb == "mention" and event.field == "agent" and event.new == me:
            found = f"{event.actor} mentioned you on #{event.ticket}"
        elif event.new == me and event.field == "assignee":
            found = f"{event.actor} assigned #{event.ticket} to you"
    return safe_line(found, 200)


def _value(value: object) -> str:
    return "nothing" if value in (None, "") else str(value)


def _facts(reading: Reading, width: int, context: Context) -> Iterator[Line]:
    row = reading.row
    who = row.requester_name or row.requester_email
    mail = f" <{row.requester_email}>" if row.requester_email and row.requester_name else ""
    company = ", ".join(part for part in (row.company, row.tier) if part)
    asked = f"from {who}{mail}{f' ({company})' if company else ''}" if who else "no requester"
    team = (row.team or "no team") + (f" (also: {', '.join(reading.teams)})" if reading.teams else "")
    facts = [row.status, row.priority, team, row.assignee or "nobody's", row.category, row.type, asked]
    if reading.tags:
        facts.append("tags " + ", ".join(reading.tags))
    if reading.watchers:
        facts.append("followed by " + ", ".join("you" if one == context.me else one for one in reading.watchers))
    if reading.followers:
        facts.append("copies to " + ", ".join(reading.followers))
    if row.merged_into:
        facts.append(f"merged into #{row.merged_into}")
    if row.parent:
        facts.append(f"belongs to #{row.parent}")
    words = " · ".join(safe_line(fact, 200) for fact in facts if fact)
    yield from ([Segment(line, theme.DIM)] for line in wrapped(words, width))
    if row.undelivered:
        yield [Segment("✗ a mail of this ticket could not be delivered", theme.LATE)]
    for kind in context.drafts.get(row.number, ()):
        key = "c" if kind == "note" else "r"
        yield [Segment(f"{DRAFT} your draft of a {kind} is kept: {key} goes on with it", theme.NOTICE)]
    yield from (_clock(clock, context) for clock in reading.clocks if clock.state in ("running", "paused", "breached"))
    if not reading.clocks and row.due_at is not None:
        yield [Segment("due "), _segment(deadline(row, context))]


def _clock(clock: ClockRow, context: Context) -> Line:
    """`first response ▰▰▰▱▱▱▱▱▱▱ 34%  1h 58m left`"""
    used = clock.spent_seconds / clock.target_seconds if clock.target_seconds else 1.0
    full = max(0, min(BAR, int(used * BAR)))
    line = [Segment(f"{clock.metric.replace('_', ' '):<14} "), Segment("▰" * full + "▱" * (BAR - full), _heat(used))]
    return [*line, Segment(f" {min(999, int(used * 100))}%  "), _segment(_clock_state(clock, context))]


def _clock_state(clock: ClockRow, context: Context) -> Cell:
    left = clock.target_seconds - clock.spent_seconds
    if clock.state == "breached" or clock.breached_at is not None:
        ended = "met late" if clock.met_at else f"late by {format_open_time(max(0, -left))}"
        return Cell(f"BREACHED, {ended}", theme.LATE)
    if clock.state == "paused":
        return Cell(f"paused, {format_open_time(max(0, left))} left", theme.DIM)
    if clock.due_at is not None and clock.due_at < context.now:
        return Cell("late", theme.LATE)
    return Cell(f"{format_open_time(max(0, left))} left", _heat(1 - left / max(1, clock.target_seconds)))


def _heat(used: float) -> Style:
    return theme.LATE if used >= 1 else theme.SOON if used >= 0.75 else theme.IN_TIME


def _segment(cell: Cell) -> Segment:
    return Segment(cell.text, cell.style)


def _message(message: Message, subject: str, width: int, context: Context, unfolded: bool) -> Iterator[Line]:
    other = Voice(message.kind.upper(), theme.HEAD, "  ", theme.PLAIN)
    voice = MACHINE if message.machine else VOICES.get(message.kind, other)
    yield _heading(message, voice, width, context)
    if message.withdrawn_at is not None:
        return
    if message.machine:
        yield [Segment(voice.edge, voice.text), Segment(safe_line(message.machine, 200), theme.FOLDED)]
    for text, style in _body(message, subject, unfolded, voice):
        for line in wrapped(text, width - 2):
            named = message.kind == "note" and "@" in line
            said = _with_mentions(line, style, context.names) if named else [Segment(line, style)]
            yield [Segment(voice.edge, voice.text), *said]
    for words, style in _files(message, unfolded):
        yield [Segment(voice.edge, voice.text), Segment(words, style)]


def _with_mentions(line: str, style: Style, names: Iterable[str]) -> Line:
    """A line of a note, with whom it mentions standing out."""
    from tkt.desk.mentions import places

    segments, at = [], 0
    for start, end in places(line, names):
        segments += [Segment(line[at:start], style), Segment(line[start:end], theme.MENTIONED)]
        at = end
    return [*segments, Segment(line[at:], style)]


def _heading(message: Message, voice: Voice, width: int, context: Context) -> Line:
    """Who said it to whom, and when; how long ago alone where the moment does not fit."""
    author = safe_line(message.author or message.author_address, 80)
    address = safe_line(message.author_address, 120)
    who = f" {author}" + (f" <{address}>" if address and address != author and message.kind == "inbound" else "")
    if message.kind == "reply" and message.recipients:
        who += " → " + safe_line(", ".join(message.recipients), 200)
    when = from_micros(message.at).strftime("%Y-%m-%d %H:%M")
    line = [Segment(f" {voice.word} ", voice.head + Style(reverse=voice is not NOTE)), Segment(who, theme.UNREAD)]
    if message.withdrawn_at is not None:
        line.append(Segment("  WITHDRAWN", theme.NOTICE))
    elif message.delivery in DELIVERY:
        line += [Segment("  "), _segment(DELIVERY[message.delivery])]
    ago = f"  {age(max(0, context.now - message.at) // SECOND)} ago"
    exact = f"{ago}, {when} UTC"
    fits = Segment.get_line_length(line) + len(exact) <= width
    return [*line, Segment(exact if fits else ago, theme.DIM)]


def _body(message: Message, subject: str, unfolded: bool, voice: Voice) -> Iterator[tuple[str, Style]]:
    from tkt.channels.mail.folding.quotes import fold

    text = safe_block(message.text, TEXT_LIMIT).strip("\n")
    if unfolded or message.kind != "inbound":
        yield text, voice.text
        return
    for piece in fold(text, subject):
        if piece.kind == "text":
            if piece.text.strip():
                yield piece.text.strip("\n"), voice.text
        else:
            count = len(piece.text.strip().splitlines())
            yield f"[{piece.kind}: {count} line{'s' * (count != 1)}, f shows]", theme.FOLDED


def _files(message: Message, unfolded: bool) -> Iterator[tuple[str, Style]]:
    """What came with a message; the logos of signatures are folded like the signatures."""
    for file in message.attachments:
        if file.logo and unfolded:
            yield f"{_file(file)}, a signature's logo", theme.FOLDED
        elif not (file.inline or file.logo):
            yield _file(file), theme.NUMBER
    logos = sum(file.logo for file in message.attachments)
    if logos and not unfolded:
        yield f"[+{logos} logo{'s' * (logos != 1)}, f shows]", theme.FOLDED


def _file(file: File) -> str:
    return f"+ {safe_line(file.name, 120)} ({safe_line(file.type, 60)}, {_size(file.size)})"


def _size(size: int) -> str:
    return f"{size} B" if size < 1000 else f"{size / 1000:.0f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def newest_text(messages: Iterable[Message]) -> str:
    """The newest text that a person wrote, for the clipboard."""
    texts = [message.text for message in messages if message.withdrawn_at is None and not message.machine]
    return safe_block(texts[-1]) if texts else ""
