"""The options of the JSON parser."""

from logster.options import Option


OPTIONS = (
    Option(("-k", "--key-separator"), "Joins the keys on the way to a leaf.", "."),
    Option(
        ("-a", "--aggregate"),
        "Aggregate the numbers of all lines at these paths: 'ms=avg,p95', 'queue.*=max'. "
        "There are last, sum, count, avg, min, max, median, p50 … p99.9, and delta and rate, "
        "by how much a counter rose since the last run.",
        metavar="PATHS=AGGREGATES",
        multiple=True,
    ),
    Option(
        ("-i", "--include"),
        "Measure these paths only: a glob, or a regular expression between slashes.",
        metavar="PATHS",
        multiple=True,
    ),
    Option(("-x", "--exclude"), "Do not measure these paths.", metavar="PATHS", multiple=True),
    Option(
        ("-r", "--rename"),
        "Name a path, and what is below it, otherwise.",
        metavar="PATH=NAME",
        multiple=True,
    ),
    Option(
        ("-c", "--count"),
        "Count the objects with each of these values at a path, and all others as one.",
        metavar="PATH=VALUES",
        multiple=True,
    ),
    Option(
        ("-w", "--where"),
        "Measure only objects that meet this: 'status>=500', 'level=ERROR', 'uri~/shop/*'. "
        "Numbers are compared as such, quoted or not.",
        metavar="CONDITION",
        multiple=True,
    ),
    Option(("-g", "--group-by"), "Measure apart what differs at this path.", metavar="PATH"),
    Option(
        ("--max-groups",),
        "Groups measured apart, the shortest; others count as one.",
        20,
        type=int,
        least=0,
    ),
    Option(
        ("--lists",),
        "What the key of an item is: index, or by:FIELD, the text in one of its fields; "
        "or measure only the length of lists, or skip them.",
        "index",
        metavar="index|length|skip|by:FIELD",
    ),
    Option(("--numeric-strings",), 'Take text such as "12.5" for a number.', False, type=bool),
    Option(
        ("--units",),
        'Take text such as "12.5ms" or "3 kB" for a number of seconds or bytes.',
        False,
        type=bool,
    ),
    Option(("--unwrap",), "Measure the JSON in the text at this key.", metavar="KEY"),
    Option(("--multiline",), "Objects may stretch over lines, indented.", False, type=bool),
    Option(("--time-key",), "Path of the time of an object.", metavar="PATH"),
    Option(
        ("--max-metrics",),
        "Metrics made, of the shortest names; numbers beyond are dropped.",
        1000,
        type=int,
        least=0,
    ),
)
