"""The logos of signatures: known by their bytes once they have come before, folded, not counted, never lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tkt.desk import conversation, tickets
from tkt.desk.conversation import Message, Upload
from tkt.desk.logos import LOGO_SIZE
from tkt.desk.undo import redo, undo
from tkt.saving import save_files
from tkt.store.read import open_reader
from tkt.store.tables import Attachment

ANN = "ann@customer.example"
LOGO = Upload("image001.png", "image/png", b"\x89PNG logo", inline=True, content_id="image001.png@01")
REPORT = Upload("report.pdf", "application/pdf", b"%PDF")


def asked(office: Any, *files: Upload) -> int:
    message = Message("It is down.", "Ann", ANN, attachments=files)
    made = tickets.create(office.customer(ANN), "VPN", message=message, channel="mail")
    assert made.number is not None
    return made.number


def logos(office: Any) -> list[bool]:
    return [file.logo for file in sorted(office.rows(Attachment), key=lambda file: file.id)]


def test_images_that_came_before_are_logos(office: Any) -> None:
    images = (
        LOGO,
        LOGO._replace(inline=False, content_id="", content=b"plain"),
        LOGO._replace(inline=False, content_id="", content=b"outlook", name="Outlook-a1b2c3.png"),
        LOGO._replace(inline=False, content_id="", content=b"gif", name="acme-logo.gif", type="image/gif"),
        LOGO._replace(inline=False, content=b"jpeg", name="x.jpg", type="image/jpeg"),
    )
    first, second = asked(office, *images, REPORT), asked(office, *images, REPORT)
    assert logos(office) == [False] * 6 + [True] * 5 + [False]
    assert (office.ticket(first).attachments, office.ticket(second).attachments) == (5, 1)
    conversation.receive(office.customer(ANN), second, Message("Again.", "Ann", ANN, attachments=(LOGO,)))
    assert logos(office)[-1] and office.ticket(second).attachments == 1


def test_what_somebody_wants_to_be_seen_is_none(office: Any) -> None:
    images = (
        Upload("screenshot.png", "image/png", b"\x89PNG shot"),
        Upload("IMG_1234.jpg", "image/jpeg", b"a photo"),
        LOGO._replace(content=b"x" * (LOGO_SIZE + 1)),
        LOGO._replace(type="application/pdf", content=b"PDF"),
        LOGO._replace(content=b""),
    )
    asked(office, *images)
    asked(office, *images)
    assert logos(office) == [False] * 10


def test_what_we_sent_ourselves_makes_no_logo_and_is_none(office: Any) -> None:
    number = asked(office)
    conversation.reply(office.alice, number, "See.", attachments=[LOGO])
    conversation.reply(office.alice, number, "See again.", attachments=[LOGO])
    conversation.receive(office.customer(ANN), number, Message("Hm.", "Ann", ANN, attachments=(LOGO,)))
    assert logos(office) == [False, False, False]


def test_documents_name_logos_and_saving_keeps_them(office: Any, tmp_path: Any) -> None:
    asked(office, LOGO)
    number = asked(office, LOGO, REPORT)
    assert office.document(number)["entries"][0]["attachments"] == [
        {"name": "image001.png", "type": "image/png", "size": 9, "logo": True},
        {"name": "report.pdf", "type": "application/pdf", "size": 4},
    ]
    with open_reader(office.store.location) as reader:
        assert len(save_files(reader, number, str(tmp_path))) == 2


def test_taking_a_message_back_counts_no_logo(office: Any) -> None:
    image = LOGO._replace(inline=False)
    asked(office, image)
    number = tickets.create(office.alice, "Ours").number or 0
    with office.alice.change() as change:
        files = (image, REPORT)
        conversation.add_entry(change, change.ticket(number), "inbound", "By phone.", attachments=files)
    assert office.ticket(number).attachments == 1
    undo(office.alice)
    assert office.ticket(number).attachments == 0
    redo(office.alice)
    assert office.ticket(number).attachments == 1


def test_only_an_image_that_could_be_a_logo_costs_a_question(office: Any, statements: Callable[[], list[str]]) -> None:
    def questions(*files: Upload) -> int:
        statements()
        asked(office, *files)
        return sum("FROM attachment" in one for one in statements())

    assert questions() == questions(REPORT) == 0
    assert questions(LOGO) == 1
