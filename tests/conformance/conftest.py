"""One gateway that caches for all tests of a module."""
import pytest

from support.cached import Cached


@pytest.fixture(scope="module")
def cached(module_world):
    return Cached(module_world)
