"""`python -m keeper`."""

import sys

from keeper.cli.main import main

sys.exit(main())
