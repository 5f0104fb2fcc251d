"""What is owed, handed over: each output on its own, and noted as soon as it is there."""

from collections.abc import Iterator, Sequence

from logster.errors import OutputError, StateError
from logster.job import Job, Report
from logster.journal import Backlog, Journal, State
from logster.metrics import Batch, number
from logster.outputs import PATIENCE, Output, Owing, Receipt, describe


def owe(job: Job, state: State, batch: Batch) -> None:
    """Owe *batch* to every output, as its receiver needs it."""
    _hand_down(job, state)
    ways = {Owing.EACH: state.owe_each, Owing.SUM: state.owe_sum, Owing.TOTAL: state.owe_total}
    for target, output in job.targets.items():
        for part in output.split(batch):
            ways[output.owing](target, part)


def deliver(job: Job, journal: Journal, state: State, report: Report) -> None:
    """Send what is owed; what each receiver has is noted as soon as it has it."""
    for target, receipt in _deliveries(job, state):
        if _settle(job, target, receipt, state, report):
            commit(journal, state, "What was sent cannot be noted and will be sent once more.")


def commit(journal: Journal, state: State, consequence: str) -> None:
    """
    Write *state* down.

    Raises:
        StateError: If that cannot be done, with its *consequence*.
    """
    try:
        journal.commit(state)
    except StateError as error:
        raise StateError(f"{error}. {consequence}") from error


def failure(state: State) -> str | None:
    """Return the sentence about what the last run could not do, or None."""
    summary = state.summary
    if summary.get("complaint"):
        return str(summary["complaint"])
    for target, why in summary.get("undelivered", {}).items():
        # What only earlier command lines asked for is no failure of this one.
        if target in summary.get("outputs", (target,)):
            return f"Metrics could not be sent to {target}: {why}."
    return None


def _hand_down(job: Job, state: State) -> None:
    """Owe each receiver on its own what was once owed to several as one."""
    heirs = {key: each for key, each in job.targets.items() if each.former in state.owed}
    for target, output in heirs.items():
        own = state.owed.get(target, Backlog())
        state.owed[target] = Backlog([*state.owed[output.former].lines, *own.lines])
    for former in {output.former for output in heirs.values()}:
        del state.owed[former]


def _deliveries(job: Job, state: State) -> Iterator[tuple[str, Receipt]]:
    """
    Yield each target with its receipt, as they come in.

    Several outputs are served side by side, so that a dead one delays no other; those
    of third parties after them, one by one, since they may rely on the main thread.
    """
    owing = {key: output for key, output in job.targets.items() if key in state.owed}
    together = {key: output for key, output in owing.items() if output.side_by_side}
    if len(together) > 1:
        yield from _side_by_side(together, state)
    else:
        for target, output in together.items():
            yield target, _receipt(output, state.owed[target])
    for target, output in owing.items():
        if target not in together:
            yield from _in_parts(target, output, Backlog(state.owed[target].lines))


def _in_parts(
    target: str, output: Output, batches: Sequence[Batch]
) -> Iterator[tuple[str, Receipt]]:
    """
    Yield *target* with a receipt for each part of *batches*, up to what is not delivered.

    A third party's code may end the process in the midst of a part, and the next run
    sends what it took of that once more. Parts double in size: little is repeated
    after a crash, and the journal is rewritten only log₂ n times.
    """
    start, length = 0, 1
    while start < len(batches):
        receipt = _receipt(output, batches[start : start + length])
        yield target, receipt
        if receipt.error:
            return
        start, length = start + length, length * 2


def _side_by_side(owing: dict[str, Output], state: State) -> Iterator[tuple[str, Receipt]]:
    """Yield the receipt of each output, the fastest first."""
    import queue  # noqa: PLC0415 - only runs with several outputs pay for it
    import threading  # noqa: PLC0415
    import time  # noqa: PLC0415

    done: queue.SimpleQueue[tuple[str, Receipt]] = queue.SimpleQueue()

    def serve(target: str, output: Output, batches: Sequence[Batch]) -> None:
        done.put((target, _receipt(output, batches)))

    for target, output in owing.items():
        arguments = (target, output, Backlog(state.owed[target].lines))
        threading.Thread(target=serve, args=arguments, daemon=True).start()
    waiting, seconds = list(owing), max(map(_seconds, owing.values()))
    end = time.monotonic() + seconds
    while waiting:
        try:
            target, receipt = done.get(timeout=max(0, end - time.monotonic()))
        except queue.Empty:
            late = OutputError(f"it did not end within {seconds:g} s")
            yield from ((target, Receipt(0, 0, late)) for target in waiting)
            return
        waiting.remove(target)
        yield target, receipt


def _seconds(output: Output) -> float:
    """Return after what time *output*, which has a deadline of its own, is given up."""
    return max(PATIENCE, 2 * (number(getattr(output, "timeout", 0)) or 0))


def _receipt(output: Output, batches: Sequence[Batch]) -> Receipt:
    """Hand *batches* to *output*; one of a third party may never come back."""
    if type(output).__module__.startswith("logster."):
        return _delivered(output, batches)
    from logster.outputs._patience import Patience  # noqa: PLC0415

    receipts: list[Receipt] = []
    patience = Patience(_seconds(output), describe(output))
    try:
        patience.call(lambda: receipts.append(_delivered(output, batches)))
    except OutputError as error:
        return Receipt(0, 0, error)
    return receipts[0]


def _delivered(output: Output, batches: Sequence[Batch]) -> Receipt:
    """Return the receipt of *output*; whatever it raises, the batches stay owed."""
    try:
        return output.deliver(batches)
    except BaseException as error:  # such as CancelledError of asyncio
        import threading  # noqa: PLC0415

        in_main = threading.current_thread() is threading.main_thread()
        if isinstance(error, KeyboardInterrupt) and in_main:
            raise
        return Receipt(0, 0, OutputError.because(error))


def _settle(job: Job, target: str, receipt: Receipt, state: State, report: Report) -> bool:
    """
    Take what was delivered out of the outbox and say what was not.

    Returns:
        Whether there is anything new to note.
    """
    state.paid(target, receipt.delivered)
    report.refused += receipt.refused
    undelivered = state.summary.setdefault("undelivered", {})
    why = _told(receipt.error) if receipt.error else None
    known = undelivered.get(target)
    if why is not None:
        undelivered[target] = why
        report.errors.append(_undelivered(job, target, why, state))
    elif target not in state.owed:
        undelivered.pop(target, None)
    state.summary["refused"] = report.refused
    state.summary["error"] = failure(state)
    return bool(receipt.delivered or receipt.refused or why != known)


def _told(error: OutputError) -> str:
    r"""
    Return what *error* says, in one line and without what a library may quote in it.

    Libraries that refuse a header show its value, which is often a secret, and many
    show the address they asked, with its query.

    >>> _told(OutputError("ValueError: Invalid header value b's3cret\\nmore'"))
    'ValueError: Invalid header value (not shown)'
    >>> _told(OutputError("no answer from https://me:s3cret@h/in?key=s3cret: timed out."))
    'no answer from https://…@h/in?…: timed out'
    """
    import re  # noqa: PLC0415 - loaded long since, and only for a run that fails

    said = " ".join(str(error)[:2000].split()).rstrip(".")
    said = re.sub(r"(header (?:value|name)s?\b).+", r"\1 (not shown)", said, flags=re.IGNORECASE)
    said = re.sub(r"(\w://)[^\s/'\"]+@", r"\1…@", said)
    return re.sub(r"(?<=[\w/\]])\?[^\s'\"]*=[^\s'\"]*?(?=[:.,;)]*(?:[\s'\"]|$))", "?…", said)


def _undelivered(job: Job, target: str, why: str, state: State) -> str:
    output = job.targets[target]
    left = state.owed[target].metrics if target in state.owed else 0
    return (
        f"{left} metrics could not be sent to {describe(output)}: {why}. "
        f"They are kept in {job.state} and the next run sends them"
        + (", with their own times." if output.owing is Owing.EACH else ".")
    )
