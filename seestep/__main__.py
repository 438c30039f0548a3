"""``python -m seestep``, the same as the command ``seestep``."""

from __future__ import annotations

import sys

from seestep.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
