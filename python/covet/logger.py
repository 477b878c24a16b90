"""The loggers of the framework."""

import logging

logger = logging.getLogger("covet")
"""The parent of every logger of the framework."""

error_logger = logging.getLogger("covet.error")
"""Where exceptions that no handler answered are reported, with their traceback."""
