"""Texts without what is asked about them."""

import bisect
import re


class Edited:
    """A text, and what is taken out of it. Places are offsets and lines of the text as it was."""

    def __init__(self, text):
        self.text = text
        self.edits = []
        self.starts = [0] + [found.end() for found in re.finditer("\n", text)]

    def offset(self, line, column=0):
        """The offset of a line, counted from 1, and a column in bytes of UTF-8, as Python's parser counts."""
        start = self.starts[line - 1]
        if not column:
            return start
        return start + len(self.text[start:].split("\n", 1)[0].encode()[:column].decode(errors="ignore"))

    def line(self, offset):
        """The line of an offset."""
        return bisect.bisect_right(self.starts, offset)

    def without_lines(self, first, last, instead=""):
        """Takes whole lines out."""
        end = self.starts[last] if last < len(self.starts) else len(self.text)
        self.without(self.starts[first - 1], end, instead)

    def without(self, start, end, instead=""):
        """Takes a range out."""
        self.edits.append((start, end, instead))

    def merged(self):
        """What is taken out, in order; overlapping ranges as one."""
        merged = []
        for start, end, instead in sorted(self.edits):
            if merged and start < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]), merged[-1][2])
            else:
                merged.append((start, end, instead))
        return merged

    def stripped(self):
        """The text without them."""
        parts, at = [], 0
        for start, end, instead in self.merged():
            parts += [self.text[at:start], instead]
            at = end
        return "".join([*parts, self.text[at:]])

    def moved(self, line):
        """Where a line is afterwards."""
        offset, taken = self.starts[line - 1], 0
        for start, end, instead in self.merged():
            if start >= offset:
                break
            taken += self.text.count("\n", start, min(end, offset)) - instead.count("\n")
        return line - taken


class Words:
    """The words of a text, to find where it says the same, however it is broken into lines and marked up."""

    def __init__(self, text, without=()):
        """Words in the ranges `without` count as not there, and nothing is found across them."""
        self.spans, words = [], []
        ranges = sorted(without)
        for found in re.finditer(r"\w+", text):
            inside = bisect.bisect_right(ranges, (found.start(), float("inf"))) - 1
            gone = inside >= 0 and found.start() < ranges[inside][1]
            words.append("\0" if gone else found.group().lower())
            self.spans.append(found.span())
        self.joined = " " + " ".join(words) + " "
        self.begins = [0]
        for word in words:
            self.begins.append(self.begins[-1] + len(word) + 1)

    def places(self, sought):
        """The ranges of the text that say `sought`, itself the words of a question between blanks."""
        at = self.joined.find(sought)
        while at >= 0:
            first = bisect.bisect_left(self.begins, at)
            last = bisect.bisect_left(self.begins, at + len(sought) - 1) - 1
            yield self.spans[first][0], self.spans[last][1]
            at = self.joined.find(sought, at + 1)


def sought(question):
    """A question as `Words.places` takes it."""
    return " " + " ".join(re.findall(r"\w+", question.lower())) + " "


def strip(texts, questions):
    """Takes out of all texts what the questions were made of, and says where their answers are afterwards.

    Returns the new texts, and the questions that nothing answers by quotation: one that a text still says, because
    what stood around another now stands together, is left out.
    """
    edited = {path: Edited(text) for path, text in texts.items()}
    for question in questions:
        for path, edit in question.edits:
            edit(edited[path])
    phrases = {sought(question.text) for question in questions if question.edits}
    for one in edited.values():
        words = Words(one.text, [(start, end) for start, end, _ in one.edits])
        for phrase in phrases:
            for start, end in words.places(phrase):
                one.without(start, end)
    stripped = {path: one.stripped() for path, one in edited.items()}
    said = [Words(text).joined for text in stripped.values()]
    kept = [one for one in questions if not one.edits or not any(sought(one.text) in text for text in said)]
    for question in kept:
        question.answers = [
            (path, edited[path].moved(first), edited[path].moved(last)) for path, first, last in question.answers
        ]
    return stripped, kept
