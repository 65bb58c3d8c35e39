"""Definitions, as universal-ctags finds them."""

import json
import re
from dataclasses import dataclass

from labelling.archive import run

# What has a name that is asked for: no fields, constants and local variables.
TYPES = {"class", "struct", "enum", "interface", "typedef", "alias"}
METHODS = {"method", "member"}
KINDS = TYPES | METHODS | {"function", "generator", "macro"}
LANGUAGES = {".rs": "Rust", ".py": "Python", ".js": "JavaScript", ".ts": "TypeScript"}
# A definition that goes on for longer is no one place any more; it is looked at as its beginning.
LINES_MOST = 400


@dataclass(frozen=True)
class Definition:
    """Where a name is defined: lines count from 1, the last is inclusive."""

    path: str
    name: str
    scope: str
    kind: str
    line: int
    end: int


def definitions(root, texts):
    """All definitions in these files, by path and line."""
    paths = [path for path in texts if suffix(path) in LANGUAGES]
    arguments = ["--options=NONE", "--output-format=json", "--fields=+neKs", "--sort=no", "-f", "-", "-L", "-"]
    arguments += [f"--languages={','.join(sorted(set(LANGUAGES.values())))}"]
    output = run("ctags", *arguments, cwd=root, stdin="\n".join(paths).encode())
    found, lines = [], {path: texts[path].split("\n") for path in paths}
    for line in output.splitlines():
        tag = json.loads(line)
        if tag["_type"] == "tag" and tag["kind"] in KINDS:
            found += definition(tag, lines[tag["path"]])
    return sorted(set(found), key=lambda one: (one.path, one.line, one.name))


def definition(tag, lines):
    """At most one: ctags takes some properties for classes, and names what has no name."""
    name, kind, line = tag["name"], tag["kind"], tag["line"]
    text = lines[line - 1] if line <= len(lines) else ""
    if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) or name.startswith("Anonymous"):
        return
    is_script = suffix(tag["path"]) in (".js", ".ts")
    if is_script and kind == "class" and not re.search(rf"\bclass\s+{re.escape(name)}", text):
        return
    end = tag.get("end") or end_of(lines, line)
    yield Definition(tag["path"], name, tag.get("scope", ""), kind, line, end)


def end_of(lines, line):
    """The last line of what begins at `line`: up to the brace that closes its first, or to a semicolon before one."""
    depth = parentheses = 0
    for number in range(line, min(line + LINES_MOST, len(lines)) + 1):
        for sign in re.sub(QUOTED, "", lines[number - 1]):
            parentheses += (sign in "([") - (sign in ")]")
            depth += (sign == "{") - (sign == "}")
            if (sign == ";" and depth == 0 and parentheses <= 0) or (sign == "}" and depth <= 0 and parentheses <= 0):
                return number
    return line


# Strings, characters and comments of one line.
QUOTED = re.compile(r"""//.*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)'|`[^`]*`|/\*.*?\*/""")


def enclosing(all_in_file, line):
    """The innermost definition around a line."""
    around = [one for one in all_in_file if one.line <= line <= one.end]
    return max(around, key=lambda one: one.line, default=None)


def suffix(path):
    """The ending of a file's name, with its dot."""
    return path[path.rfind("."):] if "." in path else ""
