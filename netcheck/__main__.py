"""`python -m netcheck` is the command."""

import sys

from netcheck.cli import main

sys.exit(main())
