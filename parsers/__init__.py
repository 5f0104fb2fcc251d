"""
One module for each log format.

The lower-case modules are the parsers of today; the modules named as their
class are the names of 1.x, kept so that no command line and no import breaks.
"""
