"""The desk.toml that `tkt init` writes: small, valid, and explained where it stands."""

from __future__ import annotations

from tkt.config.toml_text import value

_TEAM = "support"
_OTHER_TEAM = "helpdesk"

_TEXT = """\
# What this desk is made of. After a change:
#
#   tkt config check desk.toml      is it right? points at line and column
#   tkt config plan desk.toml       what would change, in words
#   tkt config apply desk.toml      change it, in one transaction
#
# The file is the whole truth: what it no longer names is retired, not deleted (tickets keep it).

[desk]
name = {name}
timezone = {timezone}
# language = "en"                  # of what customers get, where their mail doesn't tell: en, de, zh
# confirm = true                   # tell a customer that the mail became a ticket
# undo_window = "20s"              # a reply can be called back for so long
# reopen_window = "14d"            # a mail to a closed ticket reopens it for so long; later it is a new one

# ---------------------------------------------------------------- who works here

[[agent]]
name = {agent}
{email}
role = "admin"                     # admin | supervisor | agent | viewer
# skills = ["vpn"]

[[team]]
name = {team}
members = [{agent}]
calendar = "office"
assign = "manual"                  # manual | round-robin | least-loaded | skill

# ---------------------------------------------------------------- when: "24x7" is built in

[[calendar]]
name = "office"
timezone = {timezone}
# holidays = {{ country = "DE", subdivision = "BE", extra = ["2026-12-24"] }}
[calendar.hours]
mon = ["09:00-17:00"]
tue = ["09:00-17:00"]
wed = ["09:00-17:00"]
thu = ["09:00-17:00"]
fri = ["09:00-17:00"]

# ---------------------------------------------------------------- what is promised: the first match wins

[[sla]]
name = "standard"
match = ""                         # a query such as "customer.tier:vip"; "" matches every ticket
calendar = "office"                # times below are open time of this calendar
pause = ["waiting"]                # the clocks stop while the customer has the ball
[sla.targets]
urgent = {{ first_response = "1h", next_response = "2h", resolution = "8h" }}
default = {{ first_response = "4h", next_response = "8h", resolution = "24h" }}
[[sla.steps]]
metric = "first_response"
at = "-30m"                        # before the deadline; "+0m" is at it, "+2h" after it
do = ["notify:team"]
[[sla.steps]]
metric = "resolution"
at = "+0m"
do = ["notify:supervisor"]

# ---------------------------------------------------------------- what happens by itself, what is said often

# [[rule]]
# name = "urgent words"
# on = "created"                   # created | replied | inbound | changed | every
# when = "subject:urgent"
# do = ["set:priority=urgent"]

# [[rule]]
# name = "writes in vain"
# on = "inbound"
# when = "unanswered>=3 OR reopened>=2"
# do = ["set:priority=high", "notify:supervisor"]

# [[macro]]
# name = "need-logs"
# do = ["reply:Please send us the log, {{{{ requester.name }}}}.", "status:waiting"]

# ---------------------------------------------------------------- where mail comes from and leaves

# [[mailbox]]
# name = {team}
# address = "support@example.com"
# team = {team}
# imap = "imaps://support@mail.example.com:993/INBOX"     # or maildir:/path, mbox:/path
# smtp = "smtps://support@mail.example.com:465"           # smtp:// is STARTTLS
# password_command = "pass show mail/support"             # or password_env = "SUPPORT_PASSWORD"
"""


def starter(name: str, timezone: str, agent: str, email: str) -> str:
    """A first desk.toml with one team whose only member is the admin; without `email` a comment asks for it.

    It passes `check` where `agent` is one word, `timezone` a known zone and `email` an address or empty.
    """
    return _TEXT.format(
        name=value(name),
        timezone=value(timezone),
        agent=value(agent),
        email=f"email = {value(email)}" if email else '# email = "you@example.com"',
        team=value(_OTHER_TEAM if agent.casefold() == _TEAM else _TEAM),
    )
