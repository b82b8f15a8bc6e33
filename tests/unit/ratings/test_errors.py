import pytest

from functions.ratings.errors import (
    AppleNotCalledError,
    AppleRejectedError,
    DependencyError,
    RatingsError,
)
from tests.contracts.errors import ERRORS, leaves


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_has_a_response_in_apples_form_and_every_failure_a_metric(
    error: type[RatingsError],
) -> None:
    assert len(error.code) == 5
    assert error.code.isdigit()
    assert error.code.startswith(str(error.status))
    assert error.title
    assert error.detail.endswith(".")
    is_failure = issubclass(error, DependencyError) or error.status in (502, 503)
    assert (error.metric is not None) is is_failure


@pytest.mark.parametrize("error", [*leaves(AppleRejectedError), *leaves(DependencyError)])
def test_after_a_rejection_or_without_a_call_the_outcome_of_a_write_is_known(
    error: type[RatingsError],
) -> None:
    is_known = issubclass(error, AppleRejectedError | AppleNotCalledError)

    assert error.outcome_unknown is not is_known
