"""What is served of a script is the same program, line for line."""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from string import ascii_letters

import pytest

from tokensvc.web_api.comments import without_comments

HERE = Path(__file__).parent
WEB = HERE.parents[1] / "web"
SCRIPTS = {
    path.relative_to(WEB).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(WEB.rglob("*.js"))
    if "node_modules" not in path.parts
}


def differing(scripts: dict[str, str], others: dict[str, str]) -> dict[str, str]:
    """Those that a parser of the language (acorn) takes for another program, with the reason."""
    ran = subprocess.run(
        ["node", HERE / "same_program.mjs"],
        input=json.dumps([[name, script, others[name]] for name, script in scripts.items()]),
        check=True,
        text=True,
        capture_output=True,
        timeout=60,
    )
    return json.loads(ran.stdout)


def test_every_script_that_is_served():
    """Each file of web/ is the same program without its comments, each part on the same line."""
    assert (
        differing(SCRIPTS, {name: without_comments(text) for name, text in SCRIPTS.items()}) == {}
    )


def test_what_the_parser_notices():
    """The test above can fail: a changed value, a moved line and another field are told."""
    private = "class A { #a; #b; c = this.#a }"
    scripts = {"value": "f(1);", "line": "// a\nf(1);", "text": "f(`\n  a`)", "private": private}
    others = {
        "value": "f(2);",
        "line": "f(1);",
        "text": "f(`\na`)",
        "private": private.replace("= this.#a", "= this.#b"),
    }
    assert differing(scripts, others).keys() == scripts.keys()


SAME = None
HOSTILE = {
    "a comment of each kind": ("a; // b\n/* c\nd */ e /* f */; /** g */", "a;\n\ne;"),
    "an address": ("f('https://a.test/b'); // c", "f('https://a.test/b');"),
    "comments in strings": (
        r"""f('// a', "/* b */", '\'// c', "\"/*")""",
        r"""f('// a',"/* b */",'\'// c',"\"/*")""",
    ),
    "a string over two lines": ("f('a \\\n  // b')", SAME),
    "comments in a template": (
        "f(`// a /* b */\n  // c ${ d /* e */ } // f`)",
        "f(`// a /* b */\n  // c ${d} // f`)",
    ),
    "templates in templates": (
        "f(`a${ `b${ c /* d */ }// e` }/* f */`); // g",
        "f(`a${`b${c}// e`}/* f */`);",
    ),
    "a brace in a template": ("f(`${ { a: '}' /* ` */ }.a }// c`)", "f(`${{a:'}'}.a}// c`)"),
    "a dollar in a template": (r"""f(`$ \${ \` // a $`) // b""", r"""f(`$ \${ \` // a $`)"""),
    "a tagged template": ("css`a::before { content: '//'; /* b */ }`", SAME),
    "comments in a regular expression": (
        r"""f(/[/*]/, /\/\*/g, /a\/\/b/, /[\]/*]/)""",
        r"""f(/[/*]/,/\/\*/g,/a\/\/b/,/[\]/*]/)""",
    ),
    "quotes in a regular expression": ("""f(/'/, /["`]/); // '""", """f(/'/,/["`]/);"""),
    "a regular expression after a word": (
        "() => { return /'/.test(a); } // b'",
        "()=>{return/'/.test(a);}",
    ),
    "a regular expression after an arrow": ("a = (b) => /'/.test(b); // '", "a=(b)=>/'/.test(b);"),
    "a regular expression after a condition": ("if (a) /'/.test(b); // '", "if(a)/'/.test(b);"),
    "a regular expression after a block": ("{ a }\n/'/.test(b); // '", "{a}\n/'/.test(b);"),
    "a division": ("f(a / b, c[0] / d, (e) / g); // '", "f(a/b,c[0]/d,(e)/g);"),
    "a division of a call": ("f(a(b) / 2); // /'", "f(a(b)/2);"),
    "a division after a comment": ("f(a /* b */ / c, 'd') // /'", "f(a/c,'d')"),
    "a division of a property": (
        "f(a.return / b.of / 'c', d?.e / 2); // /'",
        "f(a.return/b.of/'c',d?.e/2);",
    ),
    "a division after counting": ("f(a++ / 2, --b / 3); // /'", "f(a++/2,--b/3);"),
    "a division of a template": ("f(`a` / 2, `b${c}` / 3); // `", "f(`a`/2,`b${c}`/3);"),
    "a division of a private field": (
        "class A { #a = 1; b() { return this.#a / 2; } } // /'",
        "class A{#a=1;b(){return this.#a/2;}}",
    ),
    "a number with a point": ("f(1.5 / 2, .5 / 'a'); // /'", "f(1.5/2,.5/'a');"),
    "words with only a comment between": ("typeof/* a */b; void/* c\n */d", "typeof b;void\nd"),
    "signs with only a comment between": ("a +/* b */+ c; d -/**/- e", "a+ +c;d- -e"),
    "a line that a comment ends": ("a /*\n*/ b", "a\nb"),
    "letters of all kinds": (
        "f('Größe 🎤'); // é\nü = `ß /* 語 */`",
        "f('Größe 🎤');\nü=`ß /* 語 */`",
    ),
    "indentation": ("if (a) {\n    b;\n\n  }", "if(a){\nb;\n\n}"),
    "signs that would be read as one": (
        "a + +b; c - --d; e++ + f; g / /h/.i",
        "a+ +b;c- --d;e++ +f;g/ /h/.i",
    ),
    "a word that would be a flag": ("/a/ in b; /a/ /c; d = /e/ * 2", "/a/ in b;/a/ /c;d=/e/ *2"),
    "a point that would be a number's": ("1 .a; 1 . b; c ? .5 : 2", "1 .a;1 . b;c?.5:2"),
    "words that only a blank parts": (
        "export default async function f() { return 'a' in b; }",
        "export default async function f(){return 'a' in b;}",
    ),
    "private names": (
        "class A { #one = 1; b() { return #one in this && this?.#two + this.#one; } #two; }",
        "class A{#a=1;b(){return #a in this&&this?.#b+this.#a;}#b;}",
    ),
    "more private names than letters": (
        f"class A {{ {' '.join(f'#name{n};' for n in range(60))} }}",
        f"class A{{{''.join(f'#{c};' for c in [*ascii_letters, *(d * 2 for d in 'abcdefgh')])}}}",
    ),
    "nothing": ("", SAME),
}


@pytest.mark.parametrize(("script", "expected"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_looks_like_a_comment(script, expected):
    """What stands in a string, a template or a regular expression stays; a division is none."""
    assert without_comments(script) == (script if expected is SAME else expected)


def test_the_hostile_scripts_are_the_same_programs():
    """A parser of the language says so, too."""
    scripts = {name: script for name, (script, _) in HOSTILE.items()}
    others = {name: without_comments(script) for name, script in scripts.items()}
    assert differing(scripts, others) == {}


@pytest.mark.parametrize("script", ["f(`a ${b", "f(`a ${b} c", "f(a", "class A {"])
def test_a_script_that_is_cut_off(script):
    """It stops the start instead of being served."""
    with pytest.raises(ValueError, match=r"no end|not closed"):
        without_comments(script)


def test_what_it_saves():
    """What a browser has to fetch of the client shrinks by a third at least."""

    def size(scripts: list[str]) -> int:
        return sum(len(gzip.compress(script.encode(), 9)) for script in scripts)

    written = [script for name, script in SCRIPTS.items() if name.startswith("live/")]
    assert size(list(map(without_comments, written))) < size(written) * 2 / 3
