"""Prefect in the process of a test."""

import pytest
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_LOGGING_TO_API_ENABLED,
    temporary_settings,
)


@pytest.fixture
def prefect_here(served):
    here = {PREFECT_API_URL: served["PREFECT_API_URL"], PREFECT_LOGGING_TO_API_ENABLED: False}
    with temporary_settings(here):
        yield
