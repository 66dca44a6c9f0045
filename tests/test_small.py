"""The service stays small; the emulator, a tool beside it, does not count."""

import ast
import io
import tokenize
from pathlib import Path

import tokensvc

MOST = 9_500  # lines of code: neither blank, nor only a comment or a docstring
LAYOUT = {
    *(tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT),
    *(tokenize.ENCODING, tokenize.ENDMARKER),
}


def lines_of_code(source):
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in LAYOUT:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):  # a docstring
            code.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return len(code)


def test_service_has_at_most_its_lines():
    package = Path(tokensvc.__file__).parent
    modules = [file for file in package.rglob("*.py") if "emulator" not in file.relative_to(package).parts]
    counts = {
        str(file.relative_to(package)): lines_of_code(file.read_text(encoding="utf-8")) for file in sorted(modules)
    }
    print(counts, sum(counts.values()))  # noqa: T201 - shown by -s, and if it fails
    assert sum(counts.values()) <= MOST, "Take something out before you add more."
