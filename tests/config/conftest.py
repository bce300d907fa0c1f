"""A desk.toml that uses every table, and how tests apply one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tkt.config.apply import apply
from tkt.config.changes import Change
from tkt.config.schema import read
from tkt.store.engine import Store

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

FULL = """\
[desk]
name = "Example Support"
timezone = "Europe/Berlin"
language = "de"
undo_window = "20s"
reopen_window = "14d"
confirm = false
notify_after = "1m"
automatic_limit = 200

[[team]]
name = "network"
members = ["alice", "bob"]
calendar = "office"
assign = "least-loaded"

[[team]]
name = "billing"

[[agent]]
name = "alice"
email = "Alice@Example.com"
role = "admin"
skills = ["vpn"]

[[agent]]
name = "bob"

[[calendar]]
name = "office"
timezone = "Europe/Berlin"
holidays = { country = "DE", subdivision = "BE", extra = [2026-12-24] }
[calendar.hours]
mon = ["09:00-12:00", "13:00-18:00"]
sat = []

[[sla]]
name = "vip"
match = "customer.tier:vip"
calendar = "office"
pause = ["waiting", "parts"]
[sla.targets]
urgent = { first_response = "15m", next_response = "1h", resolution = "4h" }
default = { first_response = "4h", resolution = "24h" }
[[sla.steps]]
metric = "first_response"
at = "-10m"
do = ["notify:assignee"]
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["notify:supervisor", "set:priority=urgent", "assign:auto"]

[[sla]]
name = "all"
calendar = "24x7"
pause_first_response = true
targets.default.resolution = "2d"

[[rule]]
name = "vpn to network"
on = "created"
when = 'subject:vpn OR tag:vpn'
do = ["set:team=network", "tag:+vpn", "assign:auto", "notify:bob"]

[[macro]]
name = "need-logs"
do = ["reply:The log, please, {{ requester.name }}.", "status:waiting", "assign:me", "set:field.colour=red"]

[[field]]
name = "order_no"
type = "string"
pattern = "[0-9]{6,}"
types = ["incident"]

[[field]]
name = "colour"
type = "choice"
choices = ["red", "green"]

[[field]]
name = "impact"
type = "choice"
choices = ["one", "every body"]

[[field]]
name = "haste"
type = "choice"
choices = ["now", "soon"]

[[matrix]]
name = "standard"
urgency = "haste"
[matrix.priorities]
one = { now = "high", soon = "low" }
"every body" = { now = "urgent", soon = "normal" }

[[status]]
name = "parts"
kind = "waiting"

[[view]]
name = "Mine"
query = "assignee:me kind:open"
sort = "due"

[[template]]
name = "confirmation"
language = "de"
subject = "{{ ticket.tagged_subject }}"
text = \"\"\"
Guten Tag {{ requester.name }},

"danke"!
\"\"\"

[[mailbox]]
name = "support"
address = "support@example.com"
team = "network"
imap = "imaps://support@mail.example.com:993/INBOX"
smtp = "smtps://support@mail.example.com:465"
password_command = "pass show mail/support"
tls_ca = "/etc/ssl/own.pem"
folders = ["Sales", "Help"]
archive = "Archive"
every = "1m"
authserv = "mx.example.com"
return_path = "bounces@example.com"
plus = true
dkim = { selector = "s2026", key = "/etc/tkt/dkim.pem" }

[[mailbox]]
name = "hosted"
address = "help@example.com"
imap = "imaps://help@example.com@mail.example.com"
token_command = "mail-token help"
"""


@pytest.fixture
def full() -> str:
    """A valid desk.toml with every table and nearly every key."""
    return FULL


Applying = Callable[[str], list[Change]]


@pytest.fixture
def applied(store: Store) -> Applying:
    """Applies a text to the store, in a transaction of its own, as alice."""

    def run(text: str) -> list[Change]:
        with store.transaction() as session:
            return apply(session, read(text), text, "alice", NOW, "change-1")

    return run
