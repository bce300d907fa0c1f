"""The verbs of the command line and their options, as plain data: for finding a verb's module, and for completing
a command line without loading the library that parses it. A test holds the options against the commands.
"""

from __future__ import annotations

VERBS = {
    "init": "setup",
    "demo": "setup",
    "doctor": "setup",
    "new": "writing",
    "list": "reading",
    "show": "reading",
    "log": "reading",
    "events": "reading",
    "reply": "writing",
    "note": "writing",
    "assign": "changing",
    "take": "changing",
    "set": "changing",
    "tag": "changing",
    "status": "changing",
    "wait": "changing",
    "resolve": "changing",
    "close": "changing",
    "reopen": "changing",
    "spam": "changing",
    "ham": "changing",
    "merge": "merging",
    "split": "merging",
    "follow": "following",
    "unfollow": "following",
    "undo": "changing",
    "mail": "mail",
    "webhook": "webhooks",
    "import": "importing",
    "sla": "sla",
    "rule": "rules",
    "config": "configuring",
    "team": "people",
    "agent": "people",
    "customer": "customers",
    "company": "customers",
    "serve": "serving",
}
"""Each verb and the module of `tkt.cli` that holds it, in the order of the help."""

TAKES_QUERY = ("list", "sla", "report")
"""Verbs whose arguments may be query terms, so that `-tag:spam` is a term and not a cluster of options."""

GROUPS = {
    "mail": ("pull", "send", "ingest", "status", "test", "retry", "drop", "quarantine"),
    "webhook": ("list", "send", "retry", "drop"),
    "import": ("mbox", "maildir"),
    "sla": ("check", "report", "explain", "match", "rebuild", "simulate"),
    "rule": ("try",),
    "config": ("check", "plan", "apply", "show", "history"),
    "team": ("list", "add", "join", "leave", "retire"),
    "agent": ("list", "add", "set", "retire"),
    "customer": ("list", "show", "set"),
    "company": ("list", "add", "set"),
}
"""Verbs that have verbs of their own."""

OPTIONS = {
    "init": ("--name",),
    "demo": ("--keep",),
    "doctor": ("--upgrade", "--json"),
    "new": (
        "--body", "--file", "--from", "--priority", "--team", "--category", "--type", "--tag", "--field", "--attach",
        "--assign", "--key",
    ),
    "list": ("--sort", "--ids", "--json", "--jsonl", "--csv", "--tsv", "--columns"),
    "show": ("--json", "--raw", "--save"),
    "log": ("--json",),
    "events": ("--follow", "--since", "--json"),
    "reply": ("--body", "--file", "--cc", "--attach", "--status", "--macro", "--dry-run"),
    "note": ("--body", "--file", "--attach"),
    "wait": ("--body",),
    "resolve": ("--body",),
    "close": ("--body",),
    "reopen": ("--body",),
    "spam": ("--domain",),
    "merge": ("--into",),
    "follow": ("--agent", "--cc"),
    "unfollow": ("--agent", "--cc"),
    "serve": ("--once",),
}  # fmt: skip
"""The long options of each verb that has some, besides --help and the global ones."""

GLOBAL_OPTIONS = ("--desk", "--as", "--help")

NAMES_AFTER = {
    "--team": "team", "-t": "team", "--assign": "agent", "-a": "agent", "--as": "agent", "--agent": "agent",
    "--priority": "priority", "-p": "priority", "--status": "status", "--tag": "tag",
}  # fmt: skip
"""What the word after an option names."""

NAMES_OF_VERB = {"assign": "agent", "status": "status"}
"""What a verb's last argument names."""

NAMES_OF_KEY = {
    "team": "team", "assignee": "agent", "watcher": "agent", "status": "status", "priority": "priority", "tag": "tag",
}  # fmt: skip
"""What a query term's or a setting's value names."""
