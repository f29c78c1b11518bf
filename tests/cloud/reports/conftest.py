"""A cloud that is paid through a fake provider, as the tests of payments have it."""

from tests.cloud.payments.conftest import any_paying, paying, provider_url

__all__ = ["any_paying", "paying", "provider_url"]
