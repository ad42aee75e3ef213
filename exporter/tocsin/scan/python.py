"""String literals of Python: concatenated, formatted, and what is known of those that grow later."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from tocsin.scan.literal import UNKNOWN, Literal

_GROWS = ("append", "extend", "insert", "write", "join", "appendleft", "add")


def literals(text: str) -> Iterator[Literal]:
    """Yield the string expressions of a module, each whole. Raises SyntaxError."""
    tree = ast.parse(text)
    finder = _Finder(_Names.of(tree))
    finder.visit(tree)
    yield from finder.found


@dataclass(slots=True)
class _Names:
    """Variables whose text grows, is formatted with %, or is put into other text."""

    grown: set[str] = field(default_factory=set)
    formatted: set[str] = field(default_factory=set)
    embedded: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, tree: ast.AST) -> _Names:
        found = cls()
        for node in ast.walk(tree):
            match node:
                case ast.AugAssign(op=ast.Add()):
                    found.grown.add(_name(node.target))
                    found.embedded.add(_name(node.value))
                case ast.AugAssign(op=ast.Mod()):
                    found.formatted.add(_name(node.target))
                case ast.BinOp(op=ast.Add()):
                    found.grown.add(_name(node.left))
                    found.embedded.add(_name(node.right))
                case ast.BinOp(op=ast.Mod()):
                    found.formatted.add(_name(node.left))
                    found.embedded.update(map(_name, node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]))
                case ast.FormattedValue():
                    found.embedded.add(_name(node.value))
                case ast.Call(func=ast.Attribute(attr="format" | "join" | "append" | "extend")):
                    given = [*node.args, *(k.value for k in node.keywords)]
                    given += [e for p in given if isinstance(p, (ast.List, ast.Tuple)) for e in p.elts]
                    found.embedded.update(map(_name, given))
        for names in (found.grown, found.formatted, found.embedded):
            names.discard("")
        return found


def _name(node: ast.expr) -> str:
    """Return the variable that an expression is, or is made of by a method."""
    match node:
        case ast.Name():
            return node.id
        case ast.Call(func=ast.Attribute(value=value)):
            return _name(value)
        case ast.Attribute():
            return node.attr
    return ""


class _Finder(ast.NodeVisitor):
    def __init__(self, names: _Names) -> None:
        self.found: list[Literal] = []
        self._names = names
        self._open = False
        self._embedded = False
        self._percent = False

    def visit(self, node: ast.AST) -> None:
        """Take a string expression as a whole; look into everything else."""
        if isinstance(node, ast.expr) and _is_text(node):
            percent = self._percent or _is_mod(node)
            last = node.end_lineno or node.lineno
            self.found.append(Literal(_text(node), node.lineno, last, self._open, self._embedded, percent))
            for inner in _strangers(node):
                self._within(inner, open=True, embedded=True)
        else:
            super().visit(node)

    def _within(self, node: ast.AST, *, open: bool = False, embedded: bool = False, percent: bool = False) -> None:
        before = self._open, self._embedded, self._percent
        self._open, self._embedded, self._percent = open, embedded, percent
        self.visit(node)
        self._open, self._embedded, self._percent = before

    def _assigned(self, value: ast.expr, targets: list[ast.expr]) -> None:
        names = {_name(t) for t in targets}
        own = self._names
        self._within(value, open=bool(names & own.grown), embedded=bool(names & own.embedded), percent=bool(names & own.formatted))

    def visit_Expr(self, node: ast.Expr) -> None:
        """Pass over docstrings, and texts that nobody uses."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._assigned(node.value, node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node.value, [node.target])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._within(node.value, open=True)

    def visit_Return(self, node: ast.Return) -> None:
        """What a function returns its caller may add to."""
        if node.value is not None:
            self._within(node.value, open=True)

    def visit_List(self, node: ast.List) -> None:
        for element in node.elts:
            self._within(element, open=True, embedded=self._embedded, percent=self._percent)

    visit_Tuple = visit_List  # type: ignore[assignment]  # noqa: N815 -- ast's name

    def visit_Call(self, node: ast.Call) -> None:
        grows = isinstance(node.func, ast.Attribute) and node.func.attr in _GROWS
        self._within(node.func, open=grows)
        for argument in (*node.args, *(k.value for k in node.keywords)):
            self._within(argument, open=grows)


def _is_mod(node: ast.expr) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod)


def _is_text(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return isinstance(node.value, str)
        case ast.JoinedStr():
            return True
        case ast.BinOp(op=ast.Add()):
            return _is_text(node.left) or _is_text(node.right)
        case ast.BinOp(op=ast.Mod()):
            return _is_text(node.left)
        case ast.Call(func=ast.Attribute(attr="format" | "strip" | "lstrip" | "rstrip", value=value)):
            return _is_text(value)
    return False


def _text(node: ast.expr) -> str:
    match node:
        case ast.Constant(value=str(value)):
            return value
        case ast.JoinedStr():
            return "".join(_text(v) for v in node.values)
        case ast.BinOp(op=ast.Add()):
            return _text(node.left) + _text(node.right)
        case ast.BinOp(op=ast.Mod()):
            return _text(node.left)
        case ast.Call(func=ast.Attribute(attr="format" | "strip" | "lstrip" | "rstrip", value=value)) if _is_text(value):
            return _text(value)
    return UNKNOWN


def _strangers(node: ast.expr) -> Iterator[ast.expr]:
    """Yield what stands within a string expression and is none itself."""
    match node:
        case ast.Constant():
            return
        case ast.JoinedStr():
            for value in node.values:
                if isinstance(value, ast.FormattedValue):
                    yield value.value
        case ast.BinOp(op=ast.Add()):
            for side in (node.left, node.right):
                if _is_text(side):
                    yield from _strangers(side)
                else:
                    yield side
        case ast.BinOp(op=ast.Mod()):
            yield from _strangers(node.left)
            yield node.right
        case ast.Call(func=ast.Attribute(value=value)):
            yield from _strangers(value)
            yield from (*node.args, *(k.value for k in node.keywords))
