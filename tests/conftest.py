"""Settings shared by all tests."""

import os

# Tests already share the cores: threads of NumPy, torch and scikit-learn beside them would only wait for each other.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from hypothesis import HealthCheck, settings

# The first call of a kernel may compile it, so a single example has no deadline.
settings.register_profile("market", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("market")
