"""`python -m covet` is the command `covet`."""

import sys

from covet.cli import main

sys.exit(main())
