"""How lines of Squid's access log are laid out."""

from logster.errors import ConfigurationError
from logster.options import Option
from logster.parsers._access import Column, Layout


#: Everything before the URL, and whether that is an error. No client can write a blank
#: into any of these.
_HEAD = (
    rb"[0-9.]++ ++(-?[0-9]{1,12}+) ([^ \n]++) ([A-Z_]++/\d\d\d) ([0-9]{1,15}+)"
    rb" ([^ \n]++ (?:error:)?+)"
)

#: A stretch of text in which nothing looks like the hierarchy code.
_PLAIN = rb"(?:(?! [A-Z_0-9]++/)[^\n])"

#: What `log_mime_hdrs on` adds: Squid writes brackets inside as %5B and %5D.
_HEADERS = rb"(?: \[[^\[\]\n]*+\] \[[^\[\]\n]*+\])?+"

NATIVE = Layout(
    ("elapsed", "client", "result", "size", "method", "user", "hierarchy", "type"),
    # What is usual is not taken out at all, see `USUAL`.
    rb"[0-9.]++ ++([0-9]{1,12}+) ([^ \n]++) ([A-Z_]++/\d\d\d) ([0-9]{1,15}+)"
    rb" (?:GET (?=h)|([^ \n]++ (?:error:)?+))[^ \n]*+ (?:-|([^ \n]++))"
    rb" (?:HIER_NONE|([A-Z_0-9]++))/[^ \n]++ ([^ \n]++)",
    _HEAD + rb"[^ \n]*+ ([^ \n]++) ([A-Z_0-9]++)/[^ \n]++ ([^ \n]++)" + _HEADERS,
    # With blanks in the URL or the user's name, or more fields behind. Only where
    # a single place looks like the hierarchy code is it taken for it.
    _HEAD
    + rb"%b*+() ([A-Z_0-9]++)/[^ \n]++ (?![A-Z_0-9]++/)([^ \n]++)(?:(?= )%b*+)?+"
    % (_PLAIN, _PLAIN),
    _HEAD + rb"[^\n]*+()()()",
)

#: Squid's common and combined formats. The last quote of the line is Squid's own,
#: for the referer and the user agent stand there as the client sent them.
HTTPD = Layout(
    ("client", "method", "status", "size", "code", "hierarchy"),
    rb"([^ \n]++) [^\[\n]*+\[[^\]\n]*+\] \"([^ \"\n]++ (?:error:)?+)[^\"\n]*+\""
    rb" (\d{1,3}) (\d{1,15}) (?:\"[^\n]*\" )?([A-Z_]++):([A-Z_0-9]++)" + _HEADERS,
)

#: The option that both parsers have.
FORMAT = Option(
    ("-f", "--format"), "The log's definition: Squid's logformat string.", None, "STRING"
)


def chosen(text: str) -> Layout:
    """
    Return the layout of a ``logformat``.

    Raises:
        ConfigurationError: If it lacks what there is to count.
    """
    from logster.parsers._formats import squid_layout  # noqa: PLC0415 - few logs need it

    layout = squid_layout(text)
    if not {"code", "status"} <= {*layout.fields}:
        raise ConfigurationError(
            f"The format {text!r} has no result (%Ss) and status (%>Hs) that could be counted. "
            "Nothing was read or sent."
        )
    return layout


def httpd_results(columns: dict[str, Column]) -> Column:
    """Return the results of httpd lines as native lines write them: status 0 becomes 000."""
    return [
        b"%b/%b" % (code, status.zfill(3))
        for code, status in zip(columns["code"], columns["status"], strict=True)
    ]
