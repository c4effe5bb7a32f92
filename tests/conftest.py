"""What holds for all tests: hypothesis has no deadline, for no test may depend on speed.

CI tries the same examples each time; elsewhere each run tries new ones.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "schedc", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("schedc"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "schedc")
