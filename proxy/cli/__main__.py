"""`python -m proxy.cli`: the command where it is not installed under its name."""

import sys

from proxy.cli import main

if __name__ == "__main__":
    sys.exit(main())
