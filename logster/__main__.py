"""``logster`` and ``python -m logster``."""

import gc
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line of this process, and exit."""
    # Loading modules leaves no garbage; to look for some takes an eighth of an empty run.
    gc.disable()
    from logster.cli import main as run_command  # noqa: PLC0415 - after that

    run_command()


if __name__ == "__main__":
    main()
