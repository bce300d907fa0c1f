"""A desk.toml is either understood or refused with all its mistakes, each in its place."""

from __future__ import annotations

import pytest

from tkt.config.schema import check, decode, read
from tkt.errors import ConfigError

AGENT = '[[agent]]\nname = "al"\n'
AXES = """\
[[field]]
name = "impact"
type = "choice"
choices = ["f", "g"]

[[field]]
name = "urgency"
type = "choice"
choices = ["a", "b"]
"""
MATRIX = '[[matrix]]\nname = "m"\n[matrix.priorities]\nf = { a = "high", b = "low" }\ng = { a = "high", b = "low" }\n'
THIRD = '[[field]]\nname = "third"\ntype = "choice"\nchoices = ["f", "g"]\n'
CALENDAR = '[[calendar]]\nname = "c"\ntimezone = "UTC"\nhours.mon = ["09:00-17:00"]\n'
CALENDAR_OF_DAYS = (
    '[[calendar]]\nname = "c"\ntimezone = "UTC"\nopen = [{ date = "2026-03-07", hours = ["09:00-12:00"] }]\n'
)
SLA = '[[sla]]\nname = "s"\ncalendar = "c"\ntargets.default.resolution = "8h"\n'
STEP = '[[sla.steps]]\nmetric = "resolution"\nat = "+0m"\n'
RULE = '[[rule]]\nname = "r"\non = "created"\n'
MACRO = '[[macro]]\nname = "m"\n'
BOX = '[[mailbox]]\nname = "b"\naddress = "b@example.com"\n'
FIELD = '[[field]]\nname = "f"\n'
TEMPLATE = '[[template]]\nname = "confirmation"\nlanguage = "en"\nsubject = "s"\n'


def problems(text: str) -> list[str]:
    """Each problem as `line:column words`, without the words' end."""
    return [f"{one.line}:{one.column} {one}" for one in check(text).problems]


def test_every_table_is_understood(full: str) -> None:
    config = read(full)
    assert config.desk == {
        "name": "Example Support",
        "timezone": "Europe/Berlin",
        "language": "de",
        "undo_window": "20s",
        "reopen_window": "14d",
        "confirm": "false",
        "notify_after": "1m",
        "automatic_limit": "200",
    }
    assert [str(item) for item in config.of("sla")] == ["sla vip", "sla all"]
    agents = {item.name: item.body for item in config.of("agent")}
    assert agents["alice"] == {"email": "alice@example.com", "role": "admin", "skills": ["vpn"]}
    assert agents["bob"] == {"email": None, "role": "agent", "skills": []}
    assert config.of("team")[0].body == {
        "members": ["alice", "bob"],
        "calendar": "office",
        "assign": "least-loaded",
    }
    assert config.of("calendar")[0].body["holidays"]["extra"] == ["2026-12-24"]
    assert config.of("sla")[1].body["targets"] == {"default": {"resolution": "2d"}}
    assert config.of("template")[0].name == "confirmation/de"
    assert config.of("rule")[0].body["when"] == "subject:vpn OR tag:vpn"


def test_an_empty_file_is_an_empty_desk() -> None:
    assert read("") == ({}, ())


WRONG = [
    # the file itself
    ("a = ", "1:5 this is not TOML: Invalid value"),
    ("x = 1\nx = 2\n", "2:6 this is not TOML: Cannot overwrite"),
    ("a = " + "[" * 9000, "1:1 this is nested too deeply"),
    ('[desk]\nname = "a\\u001bb"\n', "2:8 name has the control character U+001B"),
    ('[desk]\nname = "a\\u0000b"\n', "2:8 name has the control character U+0000"),
    # tables and keys
    ('[[teem]]\nname = "x"\n', '1:3 there is no table "teem" in a desk.toml: did you mean "team"?'),
    ("colour = 1\n", '1:1 there is no key "colour" in a desk.toml: known are agent'),
    ('[team]\nname = "x"\n', "1:1 write [[team]], in double brackets"),
    ("team = 3\n", "1:8 team must be tables [[team]], not a number"),
    ("team = [3]\n", "1:9 team must be a table, not a number"),
    ("[[desk]]\n", "1:3 desk must be a table, not a list"),
    (
        '[[team]]\nname = "t"\nmember = []\n',
        '3:1 [[team]] has no key "member": did you mean "members"?',
    ),
    ("[[team]]\n", "1:1 [[team]] needs name"),
    # values
    ("[desk]\nname = 5\n", "2:8 name must be text in quotes, not a number"),
    ("[desk]\nname = 2026-01-01\n", "2:8 name must be text in quotes, not a date"),
    ('[desk]\nname = "  "\n', "2:8 name is empty"),
    ('[desk]\nname = "a\\nb"\n', "2:8 name must be one line"),
    ('[desk]\nconfirm = "yes"\n', "2:11 confirm must be true or false, not text"),
    ('[desk]\nundo_window = "20"\n', "2:15 '20' is not a duration"),
    ('[desk]\nlanguage = "German"\n', '2:12 "German" is not a language'),
    (
        '[desk]\ntimezone = "Europe/Berln"\n',
        '2:12 "Europe/Berln" is not a time zone: did you mean "Europe/Berlin"?',
    ),
    ('[desk]\ntimezone = "../x"\n', '2:12 "../x" is not a time zone: write one like'),
    # people
    ('[[agent]]\nname = "a b"\n', '2:8 name "a b" must be one word'),
    ('[[agent]]\nname = "-a"\n', '2:8 name "-a" must be one word'),
    ('[[agent]]\nname = " a"\n', "2:8 name has spaces around it"),
    ('[[agent]]\nname = "Me"\n', '2:8 name can\'t be "Me"'),
    ('[[agent]]\nname = "' + "a" * 101 + '"\n', "2:8 name is longer than 100"),
    (AGENT + 'role = "amdin"\n', '3:8 role can\'t be "amdin": did you mean "admin"?'),
    (AGENT + 'email = "al"\n', '3:9 "al" is not a mail address'),
    (AGENT + 'email = "Al <al@example.com>"\n', '3:9 "Al <al@example.com>" is not a mail address'),
    (AGENT + 'skills = ["a", "a"]\n', '3:16 skills names "a" twice'),
    (AGENT + 'skills = "a"\n', "3:10 skills must be a list"),
    (AGENT + '[[agent]]\nname = "AL"\n', '4:8 there are two tables [[agent]] named "AL"'),
    (AGENT + '[[team]]\nname = "al"\n', '4:8 an agent is named "al" already'),
    (
        AGENT + 'email = "b@example.com"\n' + BOX + 'smtp = "smtp://h"\n',
        '6:11 the address "b@example.com" is used above already',
    ),
    ('[[team]]\nname = "t"\nassign = "robin"\n', '3:10 assign can\'t be "robin"'),
    ('[[team]]\nname = "t"\ncalendar = "c"\n', '3:12 no calendar is named "c": known are 24x7'),
    # calendars
    (
        '[[calendar]]\nname = "24x7"\ntimezone = "UTC"\nhours.mon = ["1:00-2:00"]\n',
        '2:8 the calendar "24x7" is',
    ),
    ('[[calendar]]\ntimezone = "UTC"\nhours.mon = ["1:00-2:00"]\n', "1:1 [[calendar]] needs name"),
    ('[[calendar]]\nname = "c"\ntimezone = "UTC"\n', "1:1 A calendar that is never open"),
    ('[[calendar]]\nname = "c"\ntimezone = "Mars"\n', '3:12 "Mars" is not a time zone'),
    (CALENDAR + "hours.mo = []\n", '5:7 [calendar.hours] has no key "mo": did you mean "mon"?'),
    (CALENDAR + 'hours.tue = ["1:00-2:00", "9-5"]\n', '5:27 "9-5" is not an interval'),
    (CALENDAR + 'holidays = { land = "DE" }\n', '5:14 [calendar.holidays] has no key "land"'),
    (CALENDAR + 'holidays.country = "Narnia"\n', "5:20 No holidays are known"),
    # promises
    (CALENDAR + '[[sla]]\nname = "s"\n', "5:1 [[sla]] needs targets"),
    (CALENDAR + '[[sla]]\nname = "s"\n[sla.targets]\n', "7:1 [sla.targets] promises nothing"),
    (CALENDAR + SLA + 'targets.high.resolution = "0h"\n', "9:27 resolution can't be nothing"),
    (CALENDAR + SLA + 'targets.high.resolution = "2d"\n', '9:27 "2d" counts open time'),
    (CALENDAR + SLA + 'targets.high.resolution = "1 x"\n', "9:27 '1 x' is not a duration"),
    (
        CALENDAR + SLA + 'targets.hihg.resolution = "2h"\n',
        '9:9 [sla.targets] has no key "hihg": did you mean "high"?',
    ),
    (CALENDAR + SLA + 'targets.high.resolved = "2h"\n', '9:14 a target has no key "resolved"'),
    (
        CALENDAR + SLA + 'pause = ["wating"]\n',
        '9:10 no status or kind is named "wating": did you mean "waiting"?',
    ),
    (CALENDAR + SLA + 'match = "stat:open"\n', "9:10 there is no term 'stat:'"),
    (CALENDAR + SLA + STEP + 'do = ["assign:me"]\n', '12:7 "assign:me" is for macros'),
    (CALENDAR + SLA + STEP, "9:1 [[sla.steps]] needs do"),
    (CALENDAR + SLA + STEP + "do = []\n", "12:6 do is empty"),
    (CALENDAR + SLA + STEP.replace("+0m", "10m") + 'do = ["note:x"]\n', '11:6 "10m" needs a sign'),
    (CALENDAR + SLA + STEP.replace("+0m", "-1d") + 'do = ["note:x"]\n', '11:6 "-1d" counts open time'),
    (
        CALENDAR + SLA + STEP.replace("resolution", "next_response") + 'do = ["note:x"]\n',
        "10:10 this step never comes: no target of the policy promises a next_response",
    ),
    # automation
    (RULE + 'do = ["asign:auto"]\n', '4:7 there is no action "asign": did you mean "assign"?'),
    (RULE + 'do = ["note:x", 5]\n', "4:17 do must be text in quotes"),
    (RULE + 'do = ["set:team=x"]\n', '4:7 no team is named "x"'),
    (RULE + 'do = ["set:field.x=1"]\n', '4:7 no field is named "x"'),
    (RULE + 'do = ["assign:bob"]\n', '4:7 no agent is named "bob"'),
    (RULE + 'do = ["status:wait"]\n', '4:7 no status is named "wait": did you mean "waiting"?'),
    (RULE + 'do = ["notify:bos"]\n', '4:7 notify can\'t reach "bos"'),
    (RULE + 'do = ["reply:{{ x"]\n', "4:7 this template can't be read"),
    (RULE + 'do = ["reply:{{ 1|nothing }}"]\n', "4:7 this template can't be read: No filter"),
    (
        RULE + 'do = ["reply:{{ requester.nmae }}"]\n',
        '4:7 a template knows no requester.nmae: did you mean "name"?',
    ),
    (RULE + 'do = ["reply:{{ tickt.number }}"]\n', '4:7 a template knows no "tickt": did you mean "ticket"?'),
    (RULE + 'do = ["note:x"]\nwhen = "a OR (b"\n', "5:14 this bracket is never closed"),
    (RULE + "do = [\"note:x\"]\nwhen = 'team:x'\n", "5:14 there is no team 'x'"),
    (RULE + "do = [\"note:x\"]\nwhen = 'assignee:me'\n", "5:18 'me' names nobody"),
    ('[[rule]]\nname = "r"\non = "create"\ndo = ["note:x"]\n', '3:6 on can\'t be "create"'),
    (MACRO + "do = []\n", "3:6 do is empty"),
    ('[[view]]\nname = "v"\nquery = "is:late"\n', "3:13 there is no mark 'late'"),
    ('[[view]]\nname = "v"\nquery = ""\nsort = "due,-prio"\n', "4:13 there is no order 'prio'"),
    ('[[view]]\nname = "v"\nquery = "is:unread"\nsort = "rank"\n', "4:9 'rank' needs a word"),
    (
        SLA.replace('"c"', '"24x7"') + "match = 'tag:x OR is:breached,unread'\n",
        "5:31 nothing can be promised by is:unread",
    ),
    (CALENDAR_OF_DAYS, "1:1 a calendar that opens on single days only runs out"),
    # fields, statuses, words
    ('[[field]]\nname = "Order No"\ntype = "string"\n', '2:8 name "Order No" must be small letters'),
    (FIELD + 'type = "text"\n', '3:8 type can\'t be "text"'),
    (FIELD + 'type = "choice"\n', "1:1 [[field]] of type choice needs choices"),
    (FIELD + 'type = "date"\nchoices = ["a"]\n', "4:1 only a field of type choice has choices"),
    (FIELD + 'type = "date"\npattern = "a"\n', "4:1 only a field of type string has a pattern"),
    (FIELD + 'type = "string"\npattern = "ab[0-9"\n', "4:14 this pattern can't be read: unterminated"),
    ('[[status]]\nname = "open"\nkind = "open"\n', '2:8 the status "open" is built in'),
    ('[[status]]\nname = "parts"\nkind = "wait"\n', '3:8 kind can\'t be "wait": did you mean "waiting"?'),
    (TEMPLATE, "1:1 [[template]] needs text"),
    (TEMPLATE + 'text = "{% if %}"\n', "5:8 this template can't be read"),
    (TEMPLATE.replace("conf", "kon") + 'text = "x"\n', '2:8 name can\'t be "konirmation"'),
    (TEMPLATE + 'text = "x"\n' + TEMPLATE + 'text = "x"\n', "7:8 there are two tables [[template]] named"),
    # the matrix
    (AXES + MATRIX.replace("f =", "fx ="), '13:1 "fx" is no choice of impact: did you mean "f"?'),
    (AXES + MATRIX.replace("f = { a", "f = { x"), '13:7 "x" is no choice of urgency: known are a, b'),
    (AXES + MATRIX.replace(', b = "low" }\ng', " }\ng"), '13:5 impact "f" needs a priority for urgency "b"'),
    (AXES + MATRIX.partition("g =")[0], '12:1 impact "g" needs a priority for urgency "a", "b"'),
    (AXES + MATRIX.replace('"low"', '"lwo"', 1), '13:23 b can\'t be "lwo": did you mean "low"?'),
    (AXES + MATRIX.replace("g = {", "g = 1 #"), '14:5 "g" must be a table with a priority for each urgency'),
    (AXES + MATRIX.replace("\n[", '\nurgency = "haste"\n['), "12:11 urgency needs a field of type choice, and none"),
    (MATRIX.replace("\n[", '\nurgency = "impact"\n['), "3:11 impact and urgency must be two fields"),
    (AXES + '[[matrix]]\nname = "m"\n', "10:1 [[matrix]] needs priorities"),
    (
        AXES + MATRIX + MATRIX.replace('"m"', '"n"').replace("\n[", '\nimpact = "third"\n[') + THIRD,
        '15:1 the field "urgency" gives the priority by another matrix',
    ),
    # mailboxes
    (BOX, "1:1 [[mailbox]] needs imap, smtp or both"),
    (BOX + 'imap = "imaps://u:hush@h"\n', "4:8 a password does not belong in this file"),
    (BOX + 'imap = "imaps://u@h"\n', "4:8 a login needs its password"),
    (BOX + 'imap = "imaps://u@h"\npassword_env = "$PW"\n', "5:16 password_env is the name of an environment"),
    (
        BOX + 'imap = "imaps://u@h"\npassword_env = "PW"\npassword_command = "pass"\n',
        "5:1 one of password_command and password_env is enough",
    ),
    (BOX + 'imap = "mbox:/x"\narchive = "Old"\n', "5:1 archive is for an IMAP server"),
    (BOX + 'imap = "mbox:/x"\nfolders = ["A"]\n', "5:1 folders is for an IMAP server"),
    (BOX + 'imap = "mbox:/x"\nplus = true\n', "5:1 plus is for mail that leaves"),
    (BOX + 'smtp = "smtps://h"\ndkim = { selector = "a b", key = "k" }\n', '5:21 "a b" is not a DKIM selector'),
    (BOX + 'smtp = "smtps://h"\ndkim = { selector = "a" }\n', "5:8 dkim needs key"),
    ("[desk]\nautomatic_limit = true\n", "2:19 automatic_limit must be a whole number"),
    ("[desk]\nautomatic_limit = -1\n", "2:19 automatic_limit can't be below 0"),
    (BOX + 'imap = "mbox:/x"\nteam = "t"\n', '5:8 no team is named "t"'),
    (BOX + 'imap = "mbox:/x"\nevery = "often"\n', "5:9 'often' is not a duration"),
]


@pytest.mark.parametrize(("text", "expected"), WRONG, ids=[expected for _, expected in WRONG])
def test_a_mistake_is_pointed_at(text: str, expected: str) -> None:
    found = problems(text)
    assert len(found) == 1, found
    assert found[0].startswith(expected), found


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = BOX + 'smtp = "smtp://h"\nevry = "1m"\n[[agent]]\nnam = "x"\nrole = 1\n[desk]\ntimezone = 3\n'
    places = [(one.line, one.column) for one in check(text).problems]
    assert places == [(5, 1), (6, 1), (7, 1), (8, 8), (10, 12)]
    assert check(text).config is None


def test_all_mistakes_of_a_calendar_are_told_at_once() -> None:
    text = CALENDAR + 'hours.mo = []\nhours.tue = ["9-5"]\nholidays = { land = "DE", extra = ["x"] }\nzone = "UTC"\n'
    places = [(one.line, one.column) for one in check(text).problems]
    assert places == [(5, 7), (6, 14), (7, 14), (7, 36), (8, 1)]


def test_reading_raises_the_first_mistake() -> None:
    with pytest.raises(ConfigError, match="no key") as caught:
        read("[desk]\nnaem = 1\nname = 2\n")
    assert (caught.value.line, caught.value.column) == (2, 1)


def test_a_message_never_repeats_a_password_or_what_drives_a_terminal() -> None:
    told = " ".join(problems(BOX + 'imap = "imaps://u:hush@h"\npassword_env = "hush!"\n'))
    told += " ".join(problems('[desk]\n"\\u001b[31mred" = 1\ntimezone = "\\u001b]52;x"\n'))
    assert "hush" not in told
    assert "\x1b" not in told


def test_days_are_clear_around_the_clock() -> None:
    assert problems('[[sla]]\nname = "s"\ncalendar = "24x7"\ntargets.default.resolution = "2d"\n') == []


def test_a_view_may_ask_for_my_tickets() -> None:
    assert problems('[[view]]\nname = "v"\nquery = "assignee:me"\n') == []


def test_a_file_is_utf_8_with_or_without_a_mark() -> None:
    assert decode("\ufeffü".encode()) == "ü"
    with pytest.raises(ConfigError, match="UTF-8") as caught:
        decode("a\nüü".encode() + b"\xff")
    assert (caught.value.line, caught.value.column) == (2, 3)


def test_a_member_without_a_table_is_an_agent_with_nothing_said_about_them() -> None:
    config = read('[[agent]]\nname = "al"\nrole = "admin"\n[[team]]\nname = "t"\nmembers = ["al", "bo"]\n')
    assert [(one.name, one.body["role"]) for one in config.of("agent")] == [("al", "admin"), ("bo", "agent")]
