"""What a run is asked to do, and what it says it did."""

# No dataclasses here: what these load takes a thirtieth of an empty run.

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from logster.generation import MAX_LINE_BYTES
from logster.metrics import Metric
from logster.outputs import Output
from logster.parser import Tally


class Job(NamedTuple):
    """
    What a command line asks for.

    Attributes:
        log: Path of the log.

        parser: Makes a fresh parser.

        parser_name: As the user wrote it, for messages.

        outputs: Where the metrics go.

        state: Path of the state file.

        legacy_states: State files of earlier versions, taken over if *state* is missing.

        from_start: Whether a first run reads the log from its start.

        mark: Tells this command line from another that uses the same state.

        wait: Seconds to wait for another run of the job.

        log_patterns: Where else rotated files are.

        max_line: Bytes a line may have.

        jobs: Processes that may read a long catch-up.

        outbox_bytes: What owed batches may take up.

        outbox_age: Seconds after which an owed batch is given up.

        max_unmatched: Percentage of lines from which on their being unmatched is an error.

        self_prefix: Prefix under which the run sends figures about itself, or None.

        remarks: Sentences that each deserve to be said, but not in every run.
    """

    log: str
    parser: Callable[[], Any]
    parser_name: str
    outputs: Sequence[Output]
    state: str
    legacy_states: Sequence[str] = ()
    from_start: bool = False
    mark: str = ""
    wait: float = 0
    log_patterns: Sequence[str] = ()
    max_line: int = MAX_LINE_BYTES
    jobs: int = 1
    outbox_bytes: int = 16 << 20
    outbox_age: float = 7 * 86400
    max_unmatched: float | None = None
    self_prefix: str | None = None
    remarks: Sequence[str] = ()

    @property
    def targets(self) -> dict[str, Output]:
        """Return each output by the name under which it is owed; a second of a name is numbered."""
        named: dict[str, Output] = {}
        for output in self.outputs:
            target, number = output.target, 1
            while target in named:
                number += 1
                target = f"{output.target} ({number})"
            named[target] = output
        return named


class Report:
    """
    What a run did.

    Attributes:
        tally: Lines matched, ignored and unmatched; those too long are unmatched.

        metrics: What the parser derived.

        bytes_read: Bytes of the lines read.

        refused: Metrics that an output could not take.

        notices: Sentences about losses, for the person who reads cron's mail.

        errors: Sentences about what failed: outputs that did not get everything, a state
            that made no sense, too many lines unmatched.

        first: Whether this was a first run, which only takes its place.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self.metrics: tuple[Metric, ...] = ()
        self.bytes_read = 0
        self.refused = 0
        self.notices: list[str] = []
        self.errors: list[str] = []
        self.first = False
