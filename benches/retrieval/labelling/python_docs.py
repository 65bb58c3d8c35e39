"""Docstrings and what they belong to, by Python's own parser."""

import ast

from labelling.definitions import Definition


def docstrings(path, tree, lines):
    """Of each function and class with a docstring its definition, the docstring's lines, and its text."""
    for scope, node in nodes(tree, ""):
        text, first = ast.get_docstring(node), node.body[0]
        if text:
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            yield Definition(path, node.name, scope, kind, node.lineno, node.end_lineno), span(first, lines), text


def nodes(tree, scope):
    """All functions and classes with the name of what they are in; not those inside of functions."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield scope, node
            yield from nodes(node, f"{scope}.{node.name}".lstrip("."))
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield scope, node
        elif isinstance(node, (ast.If, ast.Try)):
            yield from nodes(node, scope)


def of_module(tree, lines):
    """The docstring of a module, likewise."""
    text = ast.get_docstring(tree)
    return (span(tree.body[0], lines), text) if text else None


def span(node, lines):
    """First and last line of a docstring, and what is put in its place: something must stay in a body."""
    alone = lines[node.lineno - 1][: node.col_offset].strip() == ""
    return node.lineno, node.end_lineno, (" " * node.col_offset + "...\n") if alone else None
