"""`python -m schedlang` is `schedc`."""

from __future__ import annotations

import sys

from schedlang.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
