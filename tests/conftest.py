"""What holds for all tests: hypothesis has no deadline, for no test may depend on speed.

CI tries the same examples each time; elsewhere each run tries new ones. The shard of the full fuzz
that a run tries is told, so that it can be tried again.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

from schedlang_vm.toolbox import Toolbox, locate
from tests.support.seed import SEED_VARIABLE, shard_of_the_day

settings.register_profile(
    "schedc", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("ci", settings.get_profile("schedc"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "schedc")


@pytest.fixture(scope="session")
def toolbox() -> Toolbox:
    """The micro-VM's tools; a test that needs them is skipped where one is missing."""
    found = locate()
    lacking = [gap for gap in found.missing() if gap.needed]
    if lacking:
        pytest.skip(f"{lacking[0].why}: {lacking[0].remedy}")
    return found


def pytest_report_header() -> str:
    return f"fuzz shard: {SEED_VARIABLE}={shard_of_the_day()}"
