"""`python -m harness` is `headwind`."""

import sys

from harness.cli import main

sys.exit(main())
