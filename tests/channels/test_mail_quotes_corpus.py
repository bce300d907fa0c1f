"""The corpus of `quotes/`: mails as clients of many makes and languages send them, and how much is told right.

A file holds messages of one language, `=== client structure | subject` and then lines marked `t|` (the writer's own
words), `q|` (quoted) or `s|` (signature); `=== fr:client …` names another language than the file. All are of our own
making, after the formats that the clients are known to write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tkt.channels.mail.folding.quotes import fold, own_text

CORPUS = Path(__file__).with_name("quotes")
KINDS = {"t": "text", "q": "quote", "s": "signature"}


class Sample(NamedTuple):
    language: str
    client: str
    structure: str
    subject: str
    lines: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for _, line in self.lines)

    def words(self, kind: str) -> list[str]:
        return [line.strip() for mark, line in self.lines if KINDS[mark] == kind and line.strip()]

    def __str__(self) -> str:
        return f"{self.language}: {self.client} {self.structure} | {self.subject}"


def corpus() -> Iterator[Sample]:
    for path in sorted(CORPUS.glob("*.txt")):
        for message in path.read_text(encoding="utf-8").split("=== ")[1:]:
            head, *lines = message.rstrip("\n").split("\n")
            name, _, subject = head.partition(" | ")
            language, colon, rest = name.partition(":")
            client, _, structure = (rest if colon else name).partition(" ")
            marked = tuple((line[0], line[2:]) for line in lines)
            yield Sample(language if colon else path.stem, client, structure, subject, marked)


SAMPLES = list(corpus())


def visible(sample: Sample) -> list[str]:
    return [line.strip() for line in own_text(sample.text, sample.subject).splitlines() if line.strip()]


@pytest.fixture(scope="module")
def failures() -> dict[Sample, str]:
    found = {}
    for sample in SAMPLES:
        seen, wanted = visible(sample), sample.words("text")
        if seen != wanted:
            hidden, shown = [one for one in wanted if one not in seen], [one for one in seen if one not in wanted]
            found[sample] = f"{sample}\n    wrongly hidden: {hidden}\n    wrongly shown: {shown}"
    return found


def rates(failures: dict[Sample, str], key: str) -> dict[str, float]:
    every = Counter(str(getattr(sample, key)) for sample in SAMPLES)
    wrong = Counter(str(getattr(sample, key)) for sample in failures)
    return {one: 1 - wrong[one] / count for one, count in every.items()}


def test_the_corpus_is_broad() -> None:
    assert len(SAMPLES) >= 300
    assert len({sample.language for sample in SAMPLES}) >= 20
    assert len({sample.client for sample in SAMPLES}) >= 30


def test_nearly_all_of_it_is_told_right(failures: dict[Sample, str]) -> None:
    assert 1 - len(failures) / len(SAMPLES) >= 0.95, "\n".join(failures.values())


def test_no_language_is_left_behind(failures: dict[Sample, str]) -> None:
    assert [one for one in rates(failures, "language").items() if one[1] < 0.8] == [], "\n".join(failures.values())


def test_no_client_with_several_messages_is_left_behind(failures: dict[Sample, str]) -> None:
    several = {client for client, count in Counter(sample.client for sample in SAMPLES).items() if count >= 4}
    behind = [one for one in rates(failures, "client").items() if one[0] in several and one[1] < 0.8]
    assert behind == [], "\n".join(failures.values())


def test_the_writers_words_are_never_hidden(failures: dict[Sample, str]) -> None:
    hiding = [words for sample, words in failures.items() if set(sample.words("text")) - set(visible(sample))]
    assert hiding == []


def test_what_is_hidden_is_called_by_its_name() -> None:
    """A quote is a quote and a signature is a signature, in at least nine of ten messages."""
    wrong = []
    for sample in SAMPLES:
        pieces = fold(sample.text, sample.subject)
        told = [(piece.kind, line.strip()) for piece in pieces for line in piece.text.splitlines() if line.strip()]
        if told != [(KINDS[mark], line.strip()) for mark, line in sample.lines if line.strip()]:
            wrong.append(str(sample))
    assert len(wrong) <= len(SAMPLES) / 10, "\n".join(wrong)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_nothing_is_lost(line_end: str) -> None:
    for sample in SAMPLES:
        text = sample.text.replace("\n", line_end)
        assert "".join(piece.text for piece in fold(text, sample.subject)) == text


@pytest.mark.parametrize("line_end", ["\r\n"])
def test_line_ends_change_nothing(line_end: str) -> None:
    for sample in SAMPLES:
        kinds = [piece.kind for piece in fold(sample.text, sample.subject)]
        assert [piece.kind for piece in fold(sample.text.replace("\n", line_end), sample.subject)] == kinds
