#!/usr/bin/env python3
"""Writes a code base as it is: `whole.py DIRECTORY ARCHIVES < CORPUS`, one of corpora.toml as JSON.

Writes DIRECTORY/source, a git repository, for the questions in topics/, which quote nothing of it.
"""

import json
import shutil
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from label import write  # noqa: E402
from labelling.archive import Wrong, source  # noqa: E402


def main():
    directory, archives = Path(sys.argv[1]), Path(sys.argv[2])
    pin = json.load(sys.stdin)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    source(pin, archives, directory / "source")
    write(directory / "source", {}, [], directory / "questions.jsonl")


if __name__ == "__main__":
    try:
        main()
    except Wrong as wrong:
        sys.exit(f"error: {wrong}")
