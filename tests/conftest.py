"""Settings shared by all tests."""

from hypothesis import HealthCheck, settings

# The first call of a kernel may compile it, so a single example has no deadline.
settings.register_profile("market", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("market")
