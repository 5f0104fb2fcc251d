"""One file of a log: known again by its content, read in blocks of whole lines."""

import os
from pathlib import Path

import pytest
import zstandard
from counting import PACK, lines
from hypothesis import given
from hypothesis import strategies as st

from logster.errors import LogError
from logster.generation import MAX_LINE_BYTES, ChangedError, Generation, Position, Reader


def read(path: Path, start: Position | None = None, **options: int) -> tuple[bytes, Reader]:
    """Return the lines of *path* since *start*, and the reader."""
    file = Generation(str(path))
    reader = Reader(file, start, options.get("max_line", MAX_LINE_BYTES))
    try:
        text = b"".join(reader.blocks())
        reader.position()
    finally:
        file.close()
    return text, reader


def position(path: Path, start: Position | None = None) -> Position:
    """Return where reading *path* stops."""
    file = Generation(str(path))
    reader = Reader(file, start, MAX_LINE_BYTES)
    for _ in reader.blocks():
        pass
    reached = reader.position()
    file.close()
    return reached


def holds(path: Path, place: Position) -> bool:
    """Return whether *path* is known again."""
    file = Generation(str(path))
    try:
        return file.holds(place)
    finally:
        file.close()


class TestGeneration:
    def test_known_again(self, tmp_path: Path) -> None:
        """A file that grew is the file it was."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(10)))
        place = position(path)
        path.write_bytes(lines(range(20)))

        assert holds(path, place)

    @given(read=st.integers(300, 900), thrown=st.integers(0, 899), window=st.integers(1024, 4096))
    def test_last_lines_kept(
        self, tmp_path_factory: pytest.TempPathFactory, read: int, thrown: int, window: int
    ) -> None:
        """Of a log that lost its first lines the place is known, if enough precedes it."""
        path = tmp_path_factory.mktemp("kept") / "x"
        path.write_bytes(lines(range(read)))
        place = position(path)
        path.write_bytes(lines(range(thrown, 1000)))
        left = len(lines(range(thrown, read)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("logster.generation.WINDOW_BYTES", window)
            file = Generation(str(path))
            found = file.rest_of(place)
            file.close()

        assert (left if left >= 1024 else None) == found

    @pytest.mark.parametrize("text", [lines(range(9)), lines(range(1, 30)), b"", b"\0" * 500])
    def test_another(self, tmp_path: Path, text: bytes) -> None:
        """A file that was cut, or written anew, is not."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(10)))
        place = position(path)
        path.write_bytes(text)

        assert not holds(path, place)

    def test_short_file(self, tmp_path: Path) -> None:
        """The half line after the offset is a proof too, since little else may be there."""
        path = tmp_path / "x"
        path.write_bytes(b"half a li")
        place = position(path)
        path.write_bytes(b"something else\n")

        assert (0, 8, False) == (place.offset, place.head_bytes, holds(path, place))

    def test_same_head(self, tmp_path: Path) -> None:
        """Two files with one header differ by the bytes before the offset."""
        header = b"#" * 4000 + b"\n"
        path = tmp_path / "x"
        path.write_bytes(header + lines(range(10)))
        place = position(path)
        path.write_bytes(header + lines(range(10, 90)))

        assert not holds(path, place)

    @pytest.mark.parametrize("ending", PACK)
    def test_compressed(self, tmp_path: Path, ending: str) -> None:
        """A compressed file is known by what it holds, and read on from there."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(30_000)))
        place = position(path)
        packed = tmp_path / f"x.{ending}"
        packed.write_bytes(PACK[ending](lines(range(40_000))))

        assert holds(packed, place)
        assert lines(range(30_000, 40_000)) == read(packed, place)[0]

    def test_fifo(self, tmp_path: Path) -> None:
        """A FIFO is refused at once, without a wait for its writer."""
        os.mkfifo(tmp_path / "x")

        with pytest.raises(LogError, match="x is a FIFO, and only a regular file"):
            Generation(str(tmp_path / "x"))

    @pytest.mark.parametrize("ending", PACK)
    def test_damaged(self, tmp_path: Path, ending: str) -> None:
        """What precedes the damage is read, then the damage is told."""
        whole = b"".join(b"line %d %x\n" % (n, hash(str(n))) for n in range(50_000))
        path = tmp_path / f"x.{ending}"
        path.write_bytes(PACK[ending](whole)[:-2000])
        file = Generation(str(path))
        reader, seen = Reader(file, None, MAX_LINE_BYTES), b""

        def read_all() -> None:
            nonlocal seen
            for block in reader.blocks():
                seen += block

        with pytest.raises(OSError, match="damaged or not complete"):
            read_all()
        file.close()

        assert whole.startswith(seen)
        if ending in {"gz", "zst"}:
            assert len(seen) > len(whole) * 0.9

    def test_many_zeros(self, tmp_path: Path) -> None:
        """A compressed file that swells to gigabytes takes bounded memory."""
        path = tmp_path / "x.zst"
        path.write_bytes(zstandard.ZstdCompressor().compress(bytes(100_000_000) + b"\nline 1\n"))

        assert b"\nline 1\n" == read(path)[0]


class TestReader:
    def test_half_line(self, tmp_path: Path) -> None:
        """Half a line waits for its other half."""
        path = tmp_path / "x"
        path.write_bytes(b"one\ntw")

        text, reader = read(path)

        assert (b"one\n", b"tw", 4) == (text, reader.half, reader.offset)

    @given(
        texts=st.lists(
            st.binary(max_size=30).map(lambda text: text.replace(b"\0", b"")), max_size=30
        ),
        max_line=st.integers(1, 40),
    )
    def test_every_line_once(
        self, tmp_path_factory: pytest.TempPathFactory, texts: list[bytes], max_line: int
    ) -> None:
        """Lines of any bytes come out as they are, but for those too long, which are counted."""
        path = tmp_path_factory.mktemp("log") / "x"
        whole = b"".join(text + b"\n" for text in texts).replace(b"\r\n", b"\n")
        path.write_bytes(whole)
        expected = [each for each in whole.split(b"\n")[:-1] if len(each) <= max_line]

        text, reader = read(path, max_line=max_line)

        assert b"".join(each + b"\n" for each in expected) == text
        assert whole.count(b"\n") - len(expected) == reader.overlong

    def test_carriage_returns(self, tmp_path: Path) -> None:
        """Lines of Windows come without their carriage returns."""
        path = tmp_path / "x"
        path.write_bytes(b"one\r\nt\rwo\r\n")

        assert b"one\nt\rwo\n" == read(path)[0]

    def test_hole(self, tmp_path: Path) -> None:
        """The hole that a writer leaves who does not append costs no line and no time."""
        path = tmp_path / "x"
        with path.open("wb") as file:
            file.seek(50 << 30)
            file.write(b"line 1\n")
        longest = MAX_LINE_BYTES * b"x" + b"\n"
        with path.open("ab") as file:
            file.write(b"\0" * 5000 + longest)

        text, reader = read(path)

        assert (b"line 1\n" + longest, 0) == (text, reader.overlong)

    def test_room_set_aside(self, tmp_path: Path) -> None:
        """NUL bytes at the end may still be written over, and are waited for."""
        path = tmp_path / "x"
        path.write_bytes(b"one\n" + bytes(9000))
        place = position(path)
        path.write_bytes(b"one\ntwo\n" + bytes(8996))

        assert 4 == place.offset
        assert b"two\n" == read(path, place)[0]

    def test_overlong_over_runs(self, tmp_path: Path) -> None:
        """A line too long that is not yet whole counts once, over however many runs."""
        path, place, overlong, text = tmp_path / "x", None, 0, b""
        for part in (b"a\n" + b"x" * 900_000, b"x" * 900_000, b"x" * 900_000, b"x\nb\n"):
            with path.open("ab") as file:
                file.write(part)
            text, reader = read(path, place)
            place, overlong = position(path, place), overlong + reader.overlong

        assert place
        assert (b"b\n", 1, False) == (text, overlong, place.skipping)

    def test_cut_while_read(self, tmp_path: Path) -> None:
        """A file that is cut and written anew while it is read is not mixed with what it was."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(50_000)))
        reader = Reader(Generation(str(path)), None, MAX_LINE_BYTES)
        blocks = reader.blocks()
        next(blocks)
        path.write_bytes(lines(range(70_000, 170_000)))

        with pytest.raises(ChangedError):
            list(blocks)
        reader.file.close()

    def test_cut_before_it_is_read(self, tmp_path: Path) -> None:
        """So is a file that is cut between being found and being read."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(100)))
        place = position(path)
        path.write_bytes(lines(range(200)))
        reader = Reader(Generation(str(path)), place, MAX_LINE_BYTES)
        path.write_bytes(lines(range(1000, 1300)))

        with pytest.raises(ChangedError):
            list(reader.blocks())
        reader.file.close()

    def test_end(self, tmp_path: Path) -> None:
        """A log that grows as fast as it is read does not keep a run for ever."""
        path = tmp_path / "x"
        path.write_bytes(lines(range(10)))
        reader = Reader(Generation(str(path)), None, MAX_LINE_BYTES)
        with path.open("ab") as file:
            file.write(lines(range(10, 20)))

        assert lines(range(10)) == b"".join(reader.blocks())
        reader.file.close()
