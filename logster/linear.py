r"""
Which patterns need no budget of time: those that are plain to see.

A pattern that a user writes may take for ever on one line. `is_linear` knows
those that cannot, so that they run on `re` alone.
"""

import re


def is_linear(text: str) -> bool:
    r"""
    Tell whether a search for *text* on a line of ASCII takes but a few steps a character.

    True only if that is plain to see: after ``^`` follow, one by one, characters and
    sets of them, and groups that are not repeated; and no set that may take more or fewer
    characters has one that may stand next. So it is certain where each set ends: what
    it would give back fits nothing that follows, and no way to match is tried twice. A
    last ``$`` is as good as a character that no line has.

    >>> is_linear(r'^(?P<user>[^" ]+) +(?:\d+) "(?P<path>\S*)"')
    False
    >>> is_linear(r'^(?P<user>[^" ]+) +(?:\d+) "(?P<path>[^"]*)"')
    True
    """
    part_at = re.compile(_PART, re.VERBOSE).match
    parts: list[re.Match[str]] = []
    place = 1
    while place < len(text):
        part = part_at(text, place)
        if not part:
            return False
        parts.append(part)
        place = part.end()
    following: set[str] = set()  # what may stand after a part
    for part in reversed(parts):
        if part["one"]:
            some = set(re.findall(part["one"], _ASCII, re.ASCII))
            if part["varies"] and some & following:
                return False
            following = some | following if part["none"] else some
    return text.startswith("^")


_ASCII = "".join(map(chr, range(128)))

# What `re` and `regex` read alike, as far as `is_linear` needs it.
_PART = r"""
      \( (?: \?: | \?P<\w+> | (?!\?) )
    | \) (?! [*+?{] )
    | \$ \Z
    | (?P<one>
          \[ \^?+ (?: \\ [dDwWsS] | \\ [!-/:-@[-`{-~] | (?! --|&&|~~|\|\| ) [^]\\[] )++ \]
        | \\ [dDwWsS]
        | \\ [!-/:-@[-`{-~]
        | [^][(){}\\*+?|^$]
      )
      (?: (?P<varies> (?P<none> [*?] | \{ 0*+ , \d*+ \} ) | \+ | \{ \d++ , \d*+ \} ) [?+]?+
        | \{ (?! 0*+ \} ) \d++ \} [?+]?+
        | (?! \{ )
      )
"""
