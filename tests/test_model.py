"""Any sequence of writes, rotations, runs, kills and outages, against a model that counts lines."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

from counting import Place, pack
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from logster.errors import OutputError
from logster.journal import Journal, State
from logster.tail import WATCHED_GENERATIONS


class Killed(BaseException):
    """The run was killed here."""


class Machine(RuleBasedStateMachine):
    """A log, its rotations, a job with two receivers; the model is `Place.written`."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.place = Place(self.folder)
        self.rest = b""
        self.writer: BinaryIO | None = None
        self.rotations = 0

    @initialize(copytruncate=st.booleans(), compress=st.booleans())
    def begin(self, *, copytruncate: bool, compress: bool) -> None:
        """Choose how the log is rotated, and let the job take its place."""
        self.copytruncate, self.compress = copytruncate, compress
        self.place.begin()

    @rule(count=st.integers(0, 40))
    def write(self, count: int) -> None:
        """Write whole lines, after what is left of a half one."""
        self._finish()
        if not self.place.log.exists():
            self.place.log.touch()
        self.place.write(count)

    @precondition(lambda self: not self.rest and self.place.log.exists())
    @rule()
    def write_half(self) -> None:
        """Write half a line."""
        self.rest = self.place.write_half()
        self.writer = self.place.log.open("ab", buffering=0)
        self.rotations = 0

    @precondition(lambda self: self.place.log.exists())
    @rule(create=st.booleans())
    def rotate(self, *, create: bool) -> None:
        """Rotate the log; a writer of half a line ends it where it began, but for copytruncate."""
        self.rotations += 1
        if self.rotations == WATCHED_GENERATIONS:
            self._finish()  # nobody waits for it any longer
        if self.copytruncate:
            self.place.copytruncate()
        else:
            self.place.rotate(create=create)
        self._compress()

    @precondition(lambda self: not self.copytruncate)
    @rule()
    def write_late(self) -> None:
        """Let a writer go on writing to the file that was rotated last."""
        self._finish()
        late = self.folder / "app.log.1"
        if late.exists() and late.stat().st_size:
            self.place.write(3, late)

    @rule()
    def run_once(self) -> None:
        """Run the job, if there is something to read."""
        self._run()

    @rule(when=st.integers(1, 4), after=st.booleans())
    def run_killed(self, when: int, *, after: bool) -> None:
        """Kill the job around one of its commits."""
        commit, calls = Journal.commit, []

        def killing(journal: Journal, state: State) -> None:
            calls.append(state)
            if len(calls) == when and not after:
                raise Killed
            commit(journal, state)
            if len(calls) == when:
                raise Killed

        Journal.commit = killing  # type: ignore[assignment,method-assign]
        try:
            self._run()
        except Killed:
            pass
        finally:
            Journal.commit = commit  # type: ignore[method-assign]

    @rule(failure=st.sampled_from([None, OutputError("refused"), RuntimeError("oh")]))
    def outage(self, failure: Any) -> None:
        """Let the receiver fail, or heal."""
        self.place.output.failure = failure

    @rule(seconds=st.sampled_from([-100_000, -61, -60, 3600, 10**7]))
    def set_clock(self, seconds: int) -> None:
        """Set the clock back or forward."""
        self.place.now += seconds

    def teardown(self) -> None:
        """Let the writer end its line and two runs come through: all is exact."""
        self._finish()
        self.place.output.failure = None
        if self.place.state.exists():
            for _ in range(2):
                self._run()
            assert self.place.expected == self.place.counted
            said = [each for each in self.place.notices if "Lines may be lost" in each]
            assert [] == said
        shutil.rmtree(self.folder)

    def _run(self) -> None:
        if self.place.log.exists() or list(self.folder.glob("app.log.1*")):
            self.place.run(outbox_age=1e12)

    def _finish(self) -> None:
        """End a half line in the file that its writer holds."""
        if self.writer:
            self.writer.write(self.rest)
            self.writer.close()
        self.rest, self.writer = b"", None

    def _compress(self) -> None:
        """Compress all but the file that was rotated last, as delaycompress does."""
        for path in self.folder.glob("app.log.[2-9]") if self.compress else ():
            if self.writer and os.path.samestat(os.fstat(self.writer.fileno()), path.stat()):
                continue
            pack(path)


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
