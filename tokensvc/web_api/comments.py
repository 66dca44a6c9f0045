"""Leaves out of a script its comments and blanks: half of its bytes, and nothing that runs."""

from __future__ import annotations

import re
from string import ascii_letters
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r"""
      (?P<comment>  //[^\n\r\u2028\u2029]* | /\*[\s\S]*?\*/ )
    | (?P<blank>    \s+ )
    | (?P<word>     \.?[\w$#]+ )
    | (?P<string>   "(?:[^"\\\n]|\\[\s\S])*" | '(?:[^'\\\n]|\\[\s\S])*' )
    | (?P<regexp>   /(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/ )
    | (?P<count>    \+\+ | -- )
    | (?P<mark>     [\s\S] )
    """,
    re.VERBOSE,
)
_TEMPLATE_PART = re.compile(r"[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)")
_WITHIN_A_LINE = re.compile(r"[^\n\r\u2028\u2029]+")
# After these words comes a value, after every other word an operator.
_BEFORE_VALUE = {
    *("await", "case", "default", "delete", "do", "else", "in", "instanceof", "new", "of"),
    *("return", "throw", "typeof", "void", "yield"),
}
_BEFORE_STATEMENT = {"for", "if", "while", "with"}  # and brackets


# Beside these no blank is needed, unless two of them would be read as one.
_TIGHT = set("=<>{}()[];,:?|&*%^!~+-/")
_READ_AS_ONE = {"++", "--", "//"}


def without_comments(script: str) -> str:
    """*script*, an ECMAScript module, less its comments, its indentation and needless blanks.

    Each line stays in its place, so that the line which a browser reports is the source's.
    Private names, which nobody outside can know, are shortened. Strings, templates and regular
    expressions stay as they are. A `}` ends no value that is divided: a `/` after it begins a
    regular expression.

    Raises:
        ValueError: for a template or a bracket without an end.
    """
    kept = [""]
    between = ""
    private: dict[str, str] = {}
    for kind, written in _Tokens(script):
        text = _shortened(written, private) if kind == "word" and "#" in written else written
        if kind in {"comment", "blank"}:
            # A comment in a line is a blank; one that a line ends is nothing.
            between += _WITHIN_A_LINE.sub("", text) or ("" if text.startswith("//") else " ")
            continue
        kept += [_parting(kept[-1], between, text), text]
        between = ""
    return "".join([*kept, between.replace(" ", "")])


def _shortened(word: str, private: dict[str, str]) -> str:
    """*word*, a private name, by the one that it has in *private*; there it is kept as well."""
    point, _, name = word.partition("#")
    count, letter = divmod(len(private), len(ascii_letters))
    return f"{point}#{private.setdefault(name, ascii_letters[letter] * (count + 1))}"


def _parting(before: str, between: str, after: str) -> str:
    """What of *between* has to stay, so that two tokens remain two and each in its line."""
    lines = between.replace(" ", "")
    if lines or not between or not before:
        return lines
    touching = before[-1] + after[0]
    flagged = len(before) > 1 and before[-1] == "/"  # a word would be a regular expression's flags
    needless = not _TIGHT.isdisjoint(touching) and touching not in _READ_AS_ONE and not flagged
    return "" if needless else " "


class _Tokens:
    """The tokens of a script, each with its kind.

    A `/` divides where a value has just ended, and begins a regular expression elsewhere: that
    takes no grammar, only the token before, and the word before a bracket that has closed.
    """

    def __init__(self, script: str) -> None:
        self._script = script
        self._after_value = False
        self._word = ""  # where the token before was one
        self._open: list[str] = []  # for each open bracket the word before it, for a template “${”

    def __iter__(self) -> Iterator[tuple[str, str]]:
        at = 0
        while match := _TOKEN.match(self._script, at):
            kind, text = match.lastgroup or "", match[0]
            if kind == "regexp" and self._after_value:
                kind, text = "mark", "/"
            elif text == "`" or (text == "}" and self._open[-1:] == ["${"]):
                kind, text = "template", self._template_part(at)
            yield kind, text
            at += len(text)
            if kind not in {"comment", "blank", "count"}:
                self._pass(kind, text)
        if self._open:
            raise ValueError("a bracket is not closed")

    def _template_part(self, at: int) -> str:
        part = _TEMPLATE_PART.match(self._script, at)
        if part is None:
            raise ValueError("a template has no end")
        return part[0]

    def _pass(self, kind: str, text: str) -> None:
        if kind == "template":
            if text[0] == "}":
                self._open.pop()
            if text[-1] == "{":
                self._open.append("${")
            self._after_value = text[-1] == "`"
        elif text in {"(", "[", "{"}:
            self._open.append(self._word)
            self._after_value = False
        elif text in {")", "]", "}"}:
            before = self._open.pop() if self._open else ""
            self._after_value = text != "}" and before not in _BEFORE_STATEMENT
        else:
            words = kind == "word" and text not in _BEFORE_VALUE
            self._after_value = words or kind in {"string", "regexp"}
        self._word = text if kind == "word" else ""
