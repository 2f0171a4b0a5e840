"""Fixtures of the black-box suites: gateways and scripted upstreams, ended in order and checked at the end."""
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from support.certs import Authority  # noqa: E402
from support.gateway import Gateway, binary, proxy_config  # noqa: E402
from support.upstream import Upstream  # noqa: E402


def pytest_collection_modifyitems(items):
    if not os.access(binary(), os.X_OK):
        for item in (i for i in items if {"world", "module_world"} & set(i.fixturenames)):
            item.add_marker(pytest.mark.skip(reason=f"{binary()} is not built; VIEWGATE_BIN names another"))


class World:
    """What a test started. close() ends the gateways first: an upstream that goes away first would be a fault."""

    def __init__(self, directory):
        self.directory = directory
        self.gateways = []
        self.upstreams = []
        self.others = []

    def upstream(self, handler=None, **kw):
        made = Upstream(handler, **kw)
        self.upstreams.append(made)
        return made

    def gateway(self, config, **kw):
        home = self.directory / f"gateway{len(self.gateways)}"
        home.mkdir()
        made = Gateway(home, config, **kw)
        self.gateways.append(made)
        return made

    def proxy(self, handler=None, *, read_body=True, receive_buffer=None, **kw):
        """An upstream with this handler, and a gateway that passes everything on to it."""
        upstream = self.upstream(handler, read_body=read_body, receive_buffer=receive_buffer)
        return self.gateway(proxy_config(upstream, **kw)), upstream

    def own(self, thing):
        """Stops it at the end."""
        self.others.append(thing)
        return thing

    def close(self):
        failures = []
        for thing in self.gateways + self.upstreams + self.others:
            try:
                thing.stop()
            except AssertionError as error:
                failures.append(str(error))
        for upstream in self.upstreams:
            failures += [f"upstream: {type(e).__name__}: {e}" for e in upstream.failures]
        assert not failures, "\n".join(failures)


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def module_world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("world"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Whoever signs a module's certificates."""
    return Authority(tmp_path_factory.mktemp("authority"))
