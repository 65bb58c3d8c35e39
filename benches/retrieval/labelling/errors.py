"""Error texts where they are raised."""

import ast
import re

LITERAL = r'"((?:[^"\\]|\\.)*)"'
RUST = re.compile(
    r"(?:\b(?:panic|unreachable|bail|anyhow)!\(|\.expect\(|\bErr(?:or)?[\w:]*\(|\bGeneral\(|\bError::(?:new|other)\("
    r"|\bwrite!\(\s*\w+,|\.write_str\(|\.pad\()(?:\s*[\w:]+,)?\s*(?:format!\(\s*|String::from\(\s*)?" + LITERAL
)
SCRIPT = re.compile(r"\bthrow\s+new\s+\w+\(\s*(?:" + LITERAL + r"|'((?:[^'\\]|\\.)*)'|`([^`]*)`)")
MESSAGES = re.compile(r"\bmessages:\s*\{(.*?)\n\s*\}", re.DOTALL)
MESSAGE = re.compile(r"\w+:\s*(?:" + LITERAL + r"|'((?:[^'\\]|\\.)*)'|`([^`]*)`)")


def of_rust(text):
    """Pairs of a place, as offsets of the text within quotes, and an error text."""
    for found in RUST.finditer(text):
        if not comment(text, found.start()):
            yield found.span(1), plain(found.group(1))


def of_script(text):
    """The same for JavaScript and TypeScript; of a linter's rules also the tables of their messages."""
    for found in SCRIPT.finditer(text):
        if not comment(text, found.start()):
            yield group(found, 0)
    for table in MESSAGES.finditer(text):
        for found in MESSAGE.finditer(table.group(1)):
            yield group(found, table.start(1))


def group(found, offset):
    """Of a match the alternative that matched."""
    number = next(number for number in (1, 2, 3) if found.group(number) is not None)
    start, end = found.span(number)
    return (start + offset, end + offset), plain(found.group(number))


def of_python(tree, offset):
    """The same for a syntax tree of Python; `offset` makes one of a line and a column. The quotes are in the place."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            first = node.exc.args[0]
            text = literal(first)
            if text:
                span = offset(first.lineno, first.col_offset), offset(first.end_lineno, first.end_col_offset)
                yield span, plain(text)


def literal(node):
    """The fixed text of an expression that makes a text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(literal(one) or " {} " for one in node.values)
    if isinstance(node, ast.BinOp):
        both = literal(node.left), literal(node.right)
        return " ".join(one for one in both if one) if isinstance(node.op, ast.Add) else both[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return literal(node.func.value)
    return None


def plain(text):
    """An error text as it is asked: without what is filled in."""
    text = re.sub(r"\\\n\s*", "", text)
    text = re.sub(r"\\[nrt]", " ", text)
    text = re.sub(r"\$?\{[^}]*\}\}?|%\(\w+\)[sdr]|%[sdr]", " ", text)
    text = re.sub(r"[`'\"\\]", "", text)
    return re.sub(r"\s+", " ", text).strip(" :.,")


def comment(text, position):
    """Whether a comment begins before this place in its line."""
    before = text[text.rfind("\n", 0, position) + 1 : position]
    return bool(re.match(r"\s*(//|\*)", before))
