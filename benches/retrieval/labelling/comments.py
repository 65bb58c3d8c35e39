"""Doc comments above what they describe: Rust, JavaScript and TypeScript."""

import re


def above(lines, line):
    """The doc comment above a definition: its first and last line, and its text; nothing where there is none.

    Attributes and decorators may stand between both.
    """
    last = line - 1
    while last > 0 and is_attribute(lines[last - 1]):
        last -= 1
    if last <= 0:
        return None
    if is_outer(lines[last - 1]):
        first = last
        while first > 1 and is_outer(lines[first - 2]):
            first -= 1
        return first, last, "\n".join(re.sub(r"^\s*/// ?", "", each) for each in lines[first - 1 : last])
    if lines[last - 1].rstrip().endswith("*/"):
        first = last
        while first > 1 and "/*" not in lines[first - 1]:
            first -= 1
        if lines[first - 1].lstrip().startswith("/**"):
            return first, last, block("\n".join(lines[first - 1 : last]))
    return None


def of_file(lines):
    """What a file says of itself as a whole, likewise: `//!` lines at its head, or a block with `@fileoverview`."""
    first = next((number for number, each in enumerate(lines, 1) if each.lstrip().startswith("//!")), None)
    if first is not None:
        before = lines[: first - 1]
        if all(not each.strip() or each.startswith(("//", "#!")) for each in before):
            last = first
            while last < len(lines) and lines[last].lstrip().startswith("//!"):
                last += 1
            return first, last, "\n".join(re.sub(r"^\s*//! ?", "", each) for each in lines[first - 1 : last])
    if lines and lines[0].startswith("/**"):
        last = next((number for number, each in enumerate(lines, 1) if "*/" in each), None)
        overview = last and re.search(r"@fileoverview\s+(.*)", block("\n".join(lines[:last])), re.DOTALL)
        if overview:
            return 1, last, overview.group(1)
    return None


def is_attribute(line):
    """Whether this is an attribute or a decorator on one line."""
    return bool(re.match(r"\s*(#\[.*\]\s*$|@\w+(\(.*\))?\s*$)", line))


def is_outer(line):
    """Whether this is a line of Rust documentation on what follows."""
    return bool(re.match(r"\s*///(?!/)", line))


def block(text):
    """The text of a block comment."""
    text = re.sub(r"^\s*/\*\*?|\*/\s*$", "", text)
    return "\n".join(re.sub(r"^\s*\* ?", "", each) for each in text.split("\n"))


def sentence(text):
    """The first sentence of a comment as a person would ask it: no markup, no tags, no headings."""
    kept = []
    for each in text.strip().split("\n"):
        each = each.strip()
        if (not each and kept) or each.startswith(("@", "#", "```", ">>>", ":", "..", "- ", "* ", "=", "![")):
            break
        kept.append(each)
    plain = " ".join(kept)
    plain = re.sub(r"\{@\w+\s+([^}|\s]+)[^}]*\}", r"\1", plain)
    plain = re.sub(r"\[([^\]]*)\](\([^)]*\)|\[[^\]]*\])?", r"\1", plain)
    plain = re.sub(r":\w+:`~?([^`]*)`", r"\1", plain)
    plain = re.sub(r"<[^>]*>|[`*|]", "", plain)
    plain = re.sub(r"\s+", " ", plain).strip()
    end = re.search(r"(?<!e\.g)(?<!i\.e)(?<!etc)[.!?](?=\s|$)", plain)
    return (plain[: end.start()] if end else plain).rstrip(" :.,")
