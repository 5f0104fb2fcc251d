"""Rewriting by PCRE2, and that it finds what `re` finds."""

import re
import sys
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parsing import fed, figures, fixtures, use_engine
from receivers import need

from logster import pcre2
from logster._hostile import ALONE, kinds, long_lines, variants
from logster.parser import Tally
from logster.pcre2 import Rewriter, UnableError
from logster.registry import load_parser


CASES = fixtures("PostfixLogster", "postfix")


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Have each test load the library anew."""
    pcre2.load.cache_clear()
    yield
    pcre2.load.cache_clear()


def rewriter(pattern: bytes, template: bytes, *, keep: bool = False) -> Rewriter:
    """Return a rewriter, where PCRE2 is to be had."""
    found = pcre2.rewriter(pattern, template, keep=keep)
    if found is None:
        need("libpcre2-8.so.0")
    assert found is not None
    return found


def both(parser: str, options: str | None, block: bytes) -> list[tuple[Tally, dict[str, Any]]]:
    """Return what *parser* makes of *block* with `re`, and with PCRE2."""
    found = []
    for name in ("re", "pcre2"):
        with use_engine(name):
            reading = load_parser(parser)(options)
            found.append((reading.feed(block), figures(reading)))
    return found


class TestRewriter:
    def test_drop(self) -> None:
        """Only what replaces a match is left."""
        assert rewriter(rb"(\w)=(\d)", b"$2$1 ")(b"a=1, b=2, c") == b"1a 2b "

    def test_keep(self) -> None:
        """What is between the matches stays."""
        assert rewriter(rb"(\w)=(\d)", b"$2$1", keep=True)(b"a=1, b=2, c") == b"1a, 2b, c"

    def test_end(self) -> None:
        """Nothing behind the end is looked at."""
        rewrite = rewriter(rb"a(?!.)|a(b)?+", b"<$1>")

        assert rewrite(b"ab ab", 4) == b"<b><>"
        assert rewrite(b"ab ab", 0) == b""

    def test_newline(self) -> None:
        """As for `re` nothing but a newline ends a line."""
        text = b"a\rb\x0bc\x0c\x85\xe2\x80\xa8\0d\nx"

        assert rewriter(rb".++", b"<$0>")(text) == b"<" + text[:-2] + b"><x>"

    def test_escapes(self) -> None:
        r"""What `re` writes ``\v`` and ``\Z`` PCRE2 would understand in another way."""
        assert rewriter(rb"[\v]", b"!", keep=True)(b"\n\x0b\x0c\\v") == b"\n!\x0c\\v"
        assert rewriter(rb"\\v", b"!", keep=True)(b"\x0b\\v") == b"\x0b!"
        assert rewriter(rb"a\Z", b"!", keep=True)(b"a\n") == b"a\n"

    def test_zero(self) -> None:
        """A zero byte is a byte like any other, in the text and in what is taken of it."""
        assert rewriter(rb"(\0.)", b"$1", keep=True)(b"x\0y\0") == b"x\0y\0"

    @given(text=st.binary(max_size=200))
    def test_as_re(self, text: bytes) -> None:
        """Any text is rewritten as `re` does it."""
        pattern, template = rb"(?>[!-\xff]*+ )(\d|[a-f]++)?+", b"<$1>"

        assert rewriter(pattern, template, keep=True)(text) == re.sub(
            pattern, lambda match: b"<" + (match[1] or b"") + b">", text
        )

    def test_too_deep(self) -> None:
        """What needs more than PCRE2's limits is told, and the next text is read."""
        rewrite = rewriter(rb"(?:(a)|b)*c", b"!")
        with pytest.raises(UnableError):
            rewrite(b"ab" * 300_000)

        assert rewrite(b"abc") == b"!"

    def test_too_long(self) -> None:
        """A text that grows too much, or is too large, is not rewritten."""
        with pytest.raises(UnableError):
            rewriter(rb"a", b"0123456789")(b"a" * 10_000)
        with pytest.raises(UnableError):
            rewriter(rb"a", b"b")(b"a" * (pcre2.MOST + 1))

    def test_threads(self) -> None:
        """Threads do not get what others had rewritten."""
        rewrite = rewriter(rb"\d", b"$0$0", keep=True)
        wrong: list[bytes] = []

        def work(digit: bytes) -> None:
            for size in range(1, 2000, 7):
                text = b"x" + digit * size
                if rewrite(text) != b"x" + digit * 2 * size:
                    wrong.append(digit)

        threads = [Thread(target=work, args=(b"%d" % number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert not wrong


class TestLibrary:
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("_NAMES", ("no-such-library.so",)),
            ("_NAMES", ("libm.so.6",)),  # none of PCRE2
            ("_JIT_COMPLETE", 0x4000_0000),  # as where no machine code may be made
            ("_SUBSTITUTE_REPLACEMENT_ONLY", 0x800_0000),  # as before 10.38
            ("_SUBSTITUTE_UNSET_EMPTY", 0),  # one that does not do as it should
        ],
    )
    def test_missing(self, name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a PCRE2 that does what is asked for there is no rewriter."""
        monkeypatch.setattr(pcre2, name, value)

        assert pcre2.rewriter(b"a", b"b", keep=False) is None
        assert pcre2.is_worth(0)  # nobody looks for it again

    def test_no_ctypes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor is there one in a Python that was built without libffi."""
        monkeypatch.setitem(sys.modules, "ctypes", None)

        assert pcre2.rewriter(b"a", b"b", keep=False) is None

    def test_no_pattern(self) -> None:
        """There is none for a pattern that PCRE2 does not know either."""
        assert pcre2.rewriter(b"(", b"b", keep=False) is None

    def test_worth(self) -> None:
        """It is loaded for much to read, and then serves little, too."""
        assert not pcre2.is_worth(1000)
        assert pcre2.is_worth(pcre2.WORTH)
        rewriter(b"a", b"b")

        assert pcre2.is_worth(0)

    @pytest.mark.parametrize("name", ["PostfixLogster", "postfix"])
    def test_without(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without it, and where it is unable, `re` reads large blocks with equal figures."""
        blocks = [log * (1 + pcre2.WORTH // len(log)) for _, _, log in CASES if log]
        (wanted,) = {repr(both(name, None, block)) for block in blocks[:1]}

        def unable(*_: object) -> bytes:
            raise UnableError

        calls: list[Callable[[], None]] = [
            lambda: monkeypatch.setattr(pcre2, "_NAMES", ("no-such-library.so",)),
            lambda: monkeypatch.setattr(Rewriter, "__call__", unable),
        ]
        for change in calls:
            change()
            pcre2.load.cache_clear()
            parser = load_parser(name)()
            found = (parser.feed(blocks[0]), figures(parser))
            assert repr([found, found]) == wanted
            monkeypatch.undo()


class TestParsers:
    """What PCRE2 finds is what `re` finds, whatever a stranger wrote."""

    @pytest.mark.parametrize(("name", "options", "log"), CASES)
    def test_fixtures(self, name: str, options: str | None, log: bytes) -> None:
        """Each fixture has equal figures."""
        one, other = both(name, options, log)

        assert one == other

    @pytest.mark.parametrize(("name", "options", "log"), CASES)
    def test_variants(self, name: str, options: str | None, log: bytes) -> None:
        """So has each line with a field replaced, cut or doubled."""
        for line in kinds(log.split(b"\n"), 30):
            one, other = both(name, options, b"\n".join([*variants(line), *ALONE, line]))
            assert one == other, line

    @pytest.mark.parametrize("name", ["PostfixLogster", "postfix"])
    def test_long(self, name: str) -> None:
        """So have lines that are long in one field."""
        log = b"\n".join(kinds(b"\n".join(log for _, _, log in CASES).split(b"\n"), 20))
        for what, line in long_lines(log.split(b"\n"), 50_000):
            one, other = both(name, None, line + b"\n" + log)
            assert one == other, what

    def test_is_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A large block is read by PCRE2, and a small one by `re`."""
        need_it = rewriter(b"a", b"b")
        calls: list[int] = []
        call = Rewriter.__call__

        def counted(self: Rewriter, text: bytes, end: int | None = None) -> bytes:
            calls.append(len(text))
            return call(self, text, end)

        monkeypatch.setattr(Rewriter, "__call__", counted)
        assert need_it(b"a") == b"b"
        _, _, log = CASES[-1]
        for size, used in ((len(log), False), (pcre2.WORTH, True)):
            for name in ("PostfixLogster", "postfix"):
                pcre2.load.cache_clear()
                calls.clear()
                fed(load_parser(name)(), log * (size // len(log)))
                assert bool(calls) is (used and size // len(log) * len(log) >= pcre2.WORTH), name
