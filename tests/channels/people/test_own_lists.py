"""A mailbox whose address is a mailing list: a group of a mail provider that distributes what customers write."""

from __future__ import annotations

from typing import Any

import pytest

from tkt.desk import tickets

GOOGLE = {
    "Precedence": "list",
    "Mailing_list": "list support@desk.example; contact support+owners@desk.example",
    "List_ID": "<support.desk.example>",
    "List_Post": "<https://groups.google.com/a/desk.example/group/support/post>, <mailto:Support@Desk.example>",
    "List_Unsubscribe": "<mailto:googlegroups-manage+1+unsubscribe@googlegroups.com>",
}


@pytest.fixture
def post(sqlite_post: Any) -> Any:
    """On one engine; `test_engines` has a case of each kind on both."""
    return sqlite_post


@pytest.mark.parametrize("left_out", ["List_ID", "List_Post", ""])
def test_what_comes_through_our_own_list_is_a_customers(post: Any, left_out: str) -> None:
    fields = {name: value for name, value in GOOGLE.items() if name != left_out}
    filed = post.mail("Broken", **fields)
    assert (filed.state, len(post.outbox("confirmation", filed.ticket))) == ("ticket", 1)
    tickets.set_status(post.alice, filed.ticket, "resolved")
    answer = post.mail(f"Re: Broken [#{filed.ticket}]", **fields)
    assert (answer.state, post.ticket(filed.ticket).status) == ("entry", "open")


@pytest.mark.parametrize(
    "fields",
    [
        {"List_ID": "<users.lists.example>", "List_Post": "<mailto:users@lists.example>"},
        GOOGLE | {"Auto_Submitted": "auto-replied"},
        GOOGLE | {"Auto_Submitted": "auto-generated"},
        GOOGLE | {"Return_Path": "<>"},
    ],
    ids=["another list", "an automatic answer", "a machine", "no sender"],
)
def test_other_lists_and_machines_behind_ours_stay_machines(post: Any, fields: dict[str, str]) -> None:
    filed = post.mail("News", **fields)
    assert (filed.state, post.outbox("confirmation")) == ("machine", [])
