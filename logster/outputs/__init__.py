"""
What an output is: an encoder, and a transport that takes its bytes away.

A new destination is a module here whose class derives from `Output`: its
options, how a metric becomes a line (`encode`), and where lines go
(`reach`). The command line finds it by the name of the module:
``-o graphite-pickle`` is `logster.outputs.graphite_pickle.GraphitePickleOutput`.
"""

import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Batch, Metric, joined, number
from logster.options import MAX_TIMEOUT, Option


if TYPE_CHECKING:  # who only prints needs no sockets
    from logster.transport import Transport


#: Seconds that a third party's output has to take what it is handed, if `--timeout` is not more.
PATIENCE = 60.0

_WIDE = 1 << 63


class Owing(Enum):
    """
    What a receiver that was away is owed when it comes back.

    Attributes:
        EACH: Every batch with its own time, oldest first (Graphite).

        SUM: One batch: the newest gauges, counters added up (StatsD).

        TOTAL: The newest gauges, and counters since the job began (Prometheus).
    """

    EACH = "each"
    SUM = "sum"
    TOTAL = "total"


class Receipt(NamedTuple):
    """
    What became of the batches handed to an output.

    Attributes:
        delivered: How many of them, from the first, the receiver has.

        refused: Metrics that this backend cannot take (not a number, no name left).

        error: Why the rest was not delivered, or None.
    """

    delivered: int
    refused: int = 0
    error: OutputError | None = None


class RefusedError(OutputError):
    """The receiver wants none of these lines: for what they are, or for what it is itself."""


class Output:
    """
    Base class of the built-in outputs.

    A subclass gives `clean`, `encode` and `reach`, and `prepare` where its encoder
    has options.

    Args:
        settings: Values of all options, the outputs' own and the shared ones:
            ``metric_prefix``, ``metric_suffix``, ``timeout``, ``confirm``, ``tags``.

        encode_only: Whether to leave the receiver alone, as `stdout` does when it
            borrows the encoder of another output.

    Attributes:
        kind: The name after ``-o``.

        options: The options of this output.

        stem: What the names of these begin with, where it is not `kind`.

        separator: Joins prefix, name and suffix.

        owing: What the receiver is owed after an outage.

        side_by_side: Whether it may be served in a thread, beside others.

        line_bytes: The longest line the receiver takes; a longer one is refused.

        batches_at_once: How many batches of a backlog may go at one time.

        timeout: Seconds that a delivery may take.

        confirm: Whether to wait until the receiver has everything, where it tells.

        prefix: What stands before each name.

        suffix: What stands behind it, or None.

        target: Names the receiver, in messages and in the journal; holds no secret.

        transport: The way to it.

        former: The target of this receiver and others, where they were once owed as one.

        tags: The pairs of ``--tag``, for a backend that has tags.

        sent_tags: The name under which each tag is sent, with the name it was given.
    """

    kind: ClassVar[str]
    options: ClassVar[tuple[Option, ...]] = ()
    stem: ClassVar[str] = ""
    separator: str = "."
    owing: Owing = Owing.EACH
    side_by_side: ClassVar[bool] = True
    line_bytes: int = 65536
    batches_at_once: ClassVar[int] = 1000

    target: str
    transport: "Transport"
    former: str = ""

    def __init__(self, settings: SimpleNamespace, *, encode_only: bool = False) -> None:
        self.settings = settings
        self.timeout = float(getattr(settings, "timeout", 10))
        if not 0 < self.timeout <= MAX_TIMEOUT:
            raise ConfigurationError(
                f"--timeout takes seconds, more than 0 and up to {MAX_TIMEOUT}, and not "
                f"{self.timeout:g}. Nothing was read or sent."
            )
        self.confirm = bool(getattr(settings, "confirm", True))
        self.tags = parse_tags(getattr(settings, "tags", ()) or ())
        self.sent_tags: dict[str, str] = {}
        self.prefix = expanded(settings.metric_prefix or "", settings)
        suffix = settings.metric_suffix
        self.suffix = suffix if suffix is None else expanded(suffix, settings)
        self.prepare()
        if not encode_only:
            self.target, self.transport = self.reach()

    @classmethod
    def receivers(cls, settings: SimpleNamespace) -> list[SimpleNamespace]:
        """Return the settings of an output for each receiver that *settings* name."""
        return [settings]

    def prepare(self) -> None:
        """Take from the settings what the encoder needs."""

    def reach(self) -> tuple[str, "Transport"]:
        """Return the receiver's name for messages, and the way to it."""
        raise NotImplementedError

    def required(self, name: str) -> str:
        """
        Return the setting *name*, without which there is no receiver.

        Raises:
            ConfigurationError: If it was not given.
        """
        value = getattr(self.settings, name, None)
        if not value:
            raise ConfigurationError(
                f"You must supply --{name.replace('_', '-')} "
                f"when using '{self.kind}' as an output type."
            )
        return str(value)

    def secret(self, name: str, *, encoded: bool = False) -> str | None:
        """
        Return the secret *name*: from its ``--NAME-file``, else from ``LOGSTER_NAME``.

        Raises:
            ConfigurationError: If it cannot be read, or is not one line that a header could
                hold; *encoded* in base64 it may hold letters beyond ASCII.
        """
        from logster.outputs._secrets import read_secret  # noqa: PLC0415 - few have one

        path = getattr(self.settings, f"{name}_file", None)
        return read_secret(name, path, encoded=encoded)

    def clean(self, name: str) -> str:
        """Return *name* with everything replaced that this backend gives a meaning of its own."""
        raise NotImplementedError

    def named_tags(
        self, clean: Callable[[str], str], taken: Collection[str] = ()
    ) -> list[tuple[str, str]]:
        """
        Return the tags under names that this backend takes, and note these in `sent_tags`.

        Args:
            clean: Returns a name as the backend takes it.

            taken: Names that the backend gives a meaning of its own.

        Raises:
            ConfigurationError: If two names become one, or one is taken.
        """
        for name, _ in self.tags:
            sent = clean(name)
            if sent in taken:
                raise ConfigurationError(
                    f"--tag {name!r} cannot be: {self.kind} keeps the name {sent} to itself. "
                    "Nothing was read or sent."
                )
            if sent in self.sent_tags:
                raise ConfigurationError(
                    f"--tag {self.sent_tags[sent]!r} and --tag {name!r} become one for "
                    f"{self.kind}: {sent}. Nothing was read or sent."
                )
            self.sent_tags[sent] = name
        values = (value for _, value in self.tags)
        return list(zip(self.sent_tags, values, strict=True))

    def name_of(self, metric: Metric) -> str:
        """Return the full name of *metric*, prefix and suffix included, clean; may be empty."""
        name = metric.name
        if self.prefix or self.suffix is not None:
            name = joined(self.prefix, name, self.suffix, self.separator)
        return self.clean(name)

    def split(self, batch: Batch) -> Sequence[Batch]:
        """Return what is owed of *batch*, in parts that the receiver takes one by one."""
        return (batch,)

    def encode(self, metric: Metric) -> bytes | None:
        """Return *metric* as the backend reads it, or None if it cannot be sent. Pure."""
        raise NotImplementedError

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the lines of *metrics*, and how many of them this backend cannot take."""
        found = list(map(self.encode, metrics))
        lines = [line for line in found if line is not None and len(line) <= self.line_bytes]
        return lines, len(found) - len(lines)

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield the lines that ``--dry-run`` prints for *metrics*."""
        for line in self.encoded(metrics)[0]:
            yield line.decode("utf-8", "replace").rstrip("\n")

    def deliver(self, batches: Sequence[Batch]) -> Receipt:
        """
        Hand *batches* to the receiver, oldest first, within the time allowed for all.

        The first goes alone, and each part is twice as long as the one before, so that a
        slow receiver gets some of a backlog in every run.

        Never raises for what a receiver does; the receipt says how far it got.
        """
        deadline = time.monotonic() + self.timeout
        refused = delivered = 0
        length, refusal = 1, None
        while delivered < len(batches):
            chunk = batches[delivered : delivered + length]
            length = min(len(chunk) * 2, self.batches_at_once)
            metrics = [metric for batch in chunk for metric in batch.metrics]
            lines, unfit = self.encoded(metrics)
            try:
                if lines:
                    refused += self.transport.send(lines, deadline)
            except OutputError as error:
                if isinstance(error, RefusedError) and delivered + len(chunk) < len(batches):
                    # It is the right receiver if it takes what follows.
                    length, refusal = len(chunk) * 2, error
                    continue
                return Receipt(delivered, refused, refusal or error)
            refusal = None
            refused += unfit
            delivered += len(chunk)
        return Receipt(delivered, refused)

    @classmethod
    def from_url(cls, url: str) -> dict[str, Any]:
        """
        Return the settings that *url* stands for.

        ``graphite+udp://metrics.example:2003?prefix=web``: after the plus a protocol of
        this output, then its host, then options by name, with or without `stem` in
        front; ``prefix``, ``suffix``, ``timeout`` and ``confirm`` too.

        Raises:
            ConfigurationError: If the output knows no such option or protocol.
        """
        from logster.outputs._urls import settings_of  # noqa: PLC0415 - for those with a URL

        return settings_of(url, cls.kind, cls.options, cls.stem)


def describe(output: Any) -> str:
    """Return the name under which messages speak of *output*."""
    return str(getattr(output, "target", None) or type(output).__name__)


def digits(value: object) -> str | None:
    """
    Return *value* as text, as its parser wrote it, or None if it is no finite number.

    >>> digits(1000), digits("+12.50"), digits(True), digits(float("inf")), digits("1|c")
    ('1000', '12.50', '1', None, None)
    """
    if type(value) is int and -_WIDE < value < _WIDE:  # most are
        return str(value)
    if number(value) is None:
        return None
    return str(int(value) if isinstance(value, bool) else value).removeprefix("+")


def printable(text: str) -> str:
    r"""
    Return *text* with ``_`` for whatever a terminal would not simply show.

    >>> printable("größe \x1b[31m\n")
    'größe _[31m_'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "_" for c in text)


def shortened(text: str, limit: int) -> str:
    """
    Return *text* in at most *limit* bytes; what is cut off lives on as a hash.

    >>> shortened("short", 40), shortened("x" * 99, 20)
    ('short', 'xxxxxxx_b79fecd6e53a')
    """
    raw = text.encode()
    if len(raw) <= limit:
        return text
    from hashlib import blake2b  # noqa: PLC0415 - rarely needed

    kept = raw[: limit - 13].decode("utf-8", "ignore")
    return f"{kept}_{blake2b(raw, digest_size=6).hexdigest()}"


def parse_tags(pairs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """
    Return the name and value of each of *pairs*; of two with one name the last counts.

    Raises:
        ConfigurationError: If one is not NAME=VALUE.

    >>> parse_tags(["env=prod", "host=a=b", "env=test"])
    (('env', 'test'), ('host', 'a=b'))
    """
    tags: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not name.strip() or not value.strip():
            raise ConfigurationError(
                f"--tag takes NAME=VALUE, for example env=prod, and not {pair!r}. "
                "Nothing was read or sent."
            )
        tags[name.strip()] = value.strip()
    return tuple(tags.items())


def expanded(template: str, settings: SimpleNamespace) -> str:
    """
    Return *template* with what stands in braces filled in.

    ``{hostname}``, ``{host_short}``, ``{parser}``, ``{log}`` (the file's name) and the
    name of each tag; a dot within one of them becomes ``_``, since a dot outside
    separates. Braces around anything else stay.

    >>> expanded("{env}.{log}.{x}", SimpleNamespace(log="/var/log/mail.log", tags=("env=a.b",)))
    'a_b.mail_log.{x}'
    """
    if "{" not in template:
        return template
    known = dict(parse_tags(getattr(settings, "tags", ()) or ()))
    known["parser"] = str(getattr(settings, "parser", "") or "")
    known["log"] = os.path.basename(str(getattr(settings, "log", "") or ""))
    known["hostname"] = os.uname().nodename
    known["host_short"] = known["hostname"].partition(".")[0]
    for name, value in known.items():
        template = template.replace(f"{{{name}}}", value.replace(".", "_"))
    return template
