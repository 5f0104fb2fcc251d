"""``python -m logster``."""

from logster.cli import main


main()
