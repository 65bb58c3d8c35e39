#!/usr/bin/env python3
"""Makes questions with answers of a code base: `label.py DIRECTORY ARCHIVES < CORPUS`, one of corpora.toml as JSON.

Writes DIRECTORY/source, a git repository of the code base without the comments and texts that were made questions, and
DIRECTORY/questions.jsonl. The same archive gives the same both. Only the standard library, universal-ctags and git.

| kind | question | answer |
|---|---|---|
| doc | the first sentence of a doc comment | the function or type that it describes |
| symbol | the name of a function or type, of methods also with their type's | its definitions |
| file | the first sentence of what a file says of itself | the file |
| error | the text of an error, without what is filled in | where it is raised |

What would give an answer away by quotation is taken out of every file: the whole comment, the text of the error, and
each other place that says the same words. A question that names its answer all the same is marked so.
"""

import ast
import hashlib
import json
import os
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.dont_write_bytecode = True

from labelling import comments, errors, python_docs  # noqa: E402
from labelling.archive import Wrong, run, source  # noqa: E402
from labelling.definitions import METHODS, definitions, enclosing, suffix  # noqa: E402
from labelling.strip import Edited, sought, strip  # noqa: E402

# The most questions of a kind from a code base, so that none outweighs the others, and from a file.
MOST = {"doc": 180, "symbol": 130, "file": 80, "error": 80}
MOST_OF_A_FILE = 6
# Fewer words say too little to ask for, more are no question any more.
WORDS = range(4, 41)
# What stands in more files than that has no answer worth the name.
FILES_MOST = 3
# A file of this name is called by its directory.
UNNAMED = {"mod", "lib", "index", "main", "__init__"}
TESTS = re.compile(
    r"(^|/)(tests?|testing|spec|benches|examples?|fuzz)/|(^|/)(test_[^/]*|[^/]*[_.]tests?|tests?|mock)\.\w+$"
)
RUST_TESTS = re.compile(r"^#\[cfg\((?:(?:all|any)\()?test\b[^\n]*\n(?:#\[[^\n]*\n)*(?:pub )?mod \w+ \{", re.MULTILINE)


@dataclass
class Question:
    """What is asked, and where the answer stands; lines count from 1. `edits` takes it out of the texts."""

    kind: str
    text: str
    named: bool
    answers: list
    edits: list = field(default_factory=list)


def words(name):
    """The words that a name is made of."""
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+", name)


def names(text, name):
    """Whether a question has the name of its answer: the name itself, or all of its words in order."""
    parts = " ".join(words(name)).lower()
    return sought(name) in sought(text) or (bool(parts) and f" {parts} " in sought(text))


def stem(path):
    """What a file is called."""
    parts = path.split("/")
    name = parts[-1].split(".")[0]
    return parts[-2] if name in UNNAMED and len(parts) > 1 else name


def described(text):
    """Whether this can be asked."""
    return len(text.split()) in WORDS and len(sought(text).split()) in WORDS


class CodeBase:
    """The texts of a code base, and where answers may lie in them."""

    def __init__(self, root, sources):
        self.texts, self.sources, self.found = {}, sources, []
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            try:
                self.texts[path.relative_to(root).as_posix()] = path.read_bytes().decode()
            except UnicodeDecodeError:
                continue
        self.lines = {path: text.split("\n") for path, text in self.texts.items()}
        self.definitions = definitions(root, self.texts)
        self.by_file = {}
        for one in self.definitions:
            self.by_file.setdefault(one.path, []).append(one)

    def is_source(self, path):
        """Whether answers may lie in this file."""
        below = any(path == one or path.startswith(f"{one}/") for one in self.sources)
        return below and not TESTS.search(path)

    def code(self):
        """The files where answers may lie, each with its text up to the tests in it."""
        for path, text in self.texts.items():
            if self.is_source(path) and suffix(path) in (".rs", ".py", ".js", ".ts"):
                tests = RUST_TESTS.search(text) if path.endswith(".rs") else None
                yield path, text[: tests.start()] if tests else text

    def ask(self, kind, text, name, answer, edit):
        """Adds a question that a comment or a text makes."""
        if described(text):
            path = answer[0]
            self.found.append(Question(kind, text, names(text, name), [answer], [(path, edit)]))

    def read(self):
        """Finds all that can be asked."""
        for path, text in self.code():
            if path.endswith(".py"):
                self.python(path, text)
            else:
                self.braces(path, text)
        self.symbols()

    def python(self, path, text):
        """The questions of a Python file."""
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return
        lines, edited = self.lines[path], Edited(text)
        for one, (first, last, instead), comment in python_docs.docstrings(path, tree, lines):
            if instead is not None:
                answer = (path, one.line, one.end)
                self.ask("doc", comments.sentence(comment), one.name, answer, lines_out(first, last, instead))
        module = python_docs.of_module(tree, lines)
        if module:
            (first, last, _), comment = module
            self.whole_file(path, first, last, comment)
        for (start, end), message in errors.of_python(tree, edited.offset):
            self.error(path, edited, (start, end, '""'), message)

    def braces(self, path, text):
        """The questions of a file in Rust, JavaScript or TypeScript."""
        lines, edited = self.lines[path], Edited(text)
        for one in self.by_file.get(path, []):
            found = comments.above(lines, one.line) if one.line <= len(edited.starts) else None
            if found:
                first, last, comment = found
                answer = (path, one.line, one.end)
                self.ask("doc", comments.sentence(comment), one.name, answer, lines_out(first, last))
        whole = comments.of_file(lines)
        if whole:
            self.whole_file(path, *whole)
        for (start, end), message in (errors.of_rust if path.endswith(".rs") else errors.of_script)(text):
            self.error(path, edited, (start, end, ""), message)

    def whole_file(self, path, first, last, comment):
        """The question what a file does."""
        answer = (path, 1, len(self.lines[path]))
        self.ask("file", comments.sentence(comment), stem(path), answer, lines_out(first, last))

    def error(self, path, edited, edit, message):
        """The question where an error comes from."""
        first, last = edited.line(edit[0]), edited.line(edit[1])
        around = enclosing(self.by_file.get(path, []), first)
        name = around.name if around else stem(path)
        self.ask("error", message, name, (path, first, last), lambda text: text.without(*edit))

    def symbols(self):
        """The questions for names: every definition of a name answers it."""
        answers = {}
        for one in self.definitions:
            between = "::" if one.path.endswith(".rs") else "."
            scope = re.split(r"::|\.", one.scope)[-1]
            qualified = f"{scope}{between}{one.name}" if scope and one.kind in METHODS else None
            for name in filter(None, (one.name, qualified)):
                answers.setdefault(name, []).append(one)
        code = dict(self.code())
        for name, all_of_it in sorted(answers.items()):
            bare = re.split(r"::|\.", name)[-1]
            inside = all(one.path in code and one.line <= code[one.path].count("\n") + 1 for one in all_of_it)
            few = len({one.path for one in all_of_it}) <= FILES_MOST
            if inside and few and len(bare) > 3 and not bare.startswith("__"):
                places = [(one.path, one.line, one.end) for one in all_of_it]
                self.found.append(Question("symbol", name, True, places))


def lines_out(first, last, instead=""):
    """Takes lines out of a text."""
    return lambda text: text.without_lines(first, last, instead)


def chosen(found, salt):
    """One question of those with the same words, and of a kind and a file only so many, by lot: by their digests."""
    same = {}
    for one in found:
        same.setdefault((one.kind, sought(one.text)), []).append(one)
    whole = []
    for several in same.values():
        first = several[0]
        first.answers = sorted({answer for one in several for answer in one.answers})
        first.edits = [edit for one in several for edit in one.edits]
        first.named = any(one.named for one in several)
        if len({path for path, _, _ in first.answers}) <= FILES_MOST:
            whole.append(first)
    whole.sort(key=lambda one: hashlib.sha256(f"{salt}\n{one.kind}\n{one.text}".encode()).digest())
    taken, of_kind, of_file = [], dict.fromkeys(MOST, 0), {}
    for one in whole:
        place = (one.kind, one.answers[0][0])
        if of_kind[one.kind] < MOST[one.kind] and of_file.get(place, 0) < MOST_OF_A_FILE:
            of_kind[one.kind] += 1
            of_file[place] = of_file.get(place, 0) + 1
            taken.append(one)
    return taken


def write(root, texts, questions, target):
    """Writes the texts over those they were made of, as a repository, and the questions beside it."""
    for path, text in texts.items():
        (root / path).write_bytes(text.encode())
    moment = "2020-01-01T00:00:00Z"
    os.environ.update(GIT_AUTHOR_DATE=moment, GIT_COMMITTER_DATE=moment, GIT_CONFIG_GLOBAL=os.devnull)
    git = ["-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "core.autocrlf=false"]
    run("git", "init", "--quiet", "--initial-branch=main", cwd=root)
    run("git", "add", "--all", "--force", cwd=root)
    run("git", *git, "commit", "--quiet", "--message=The code base without what is asked", cwd=root)
    keys = ("path", "start_line", "end_line")
    with open(target, "w", encoding="utf-8") as file:
        for one in questions:
            answers = [dict(zip(keys, answer)) for answer in one.answers]
            line = {"kind": one.kind, "question": one.text, "named": one.named, "answers": answers}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def main():
    directory, archives = Path(sys.argv[1]), Path(sys.argv[2])
    pin = json.load(sys.stdin)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    root = directory / "source"
    source(pin, archives, root)
    code = CodeBase(root, pin["sources"])
    code.read()
    texts, questions = strip(code.texts, chosen(code.found, pin["name"]))
    write(root, texts, questions, directory / "questions.jsonl")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
