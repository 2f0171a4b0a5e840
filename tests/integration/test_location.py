"""Location and redirects of an upstream (SPEC section 5)."""
import pytest

from support import wire


class TestLocation:
    """A Location under the upstream's URL is rewritten to the route's own path; any other is left alone."""

    @pytest.fixture(scope="class")
    def shop(self, module_world):
        up = module_world.upstream(
            lambda r, c: wire.response(302, [("Location", bytes.fromhex(r.target.rpartition("=")[2]).decode())])
        )
        gw = module_world.gateway(
            {
                "server": {"listen": "127.0.0.1:0", "workers": 1},
                "upstreams": {"up": {"url": up.url + "/base"}},
                "routes": [{"name": "r", "path": "/shop/{rest...}", "view": "proxy-fetch", "source": "up/{rest}"}],
            }
        )
        gw.up = up
        return gw

    def location(self, gw, value):
        return gw.get("/shop/x?v=" + value.encode().hex(), host="shop.example").headers.one("location")

    @pytest.mark.parametrize("rest", ["/login", "/login?next=%2Fa&b=1#top", "/a/b/", "/"])
    def test_absolute_location_under_the_upstream_is_rewritten(self, shop, rest):
        assert self.location(shop, shop.up.url + "/base" + rest) in ("/shop" + rest, "http://shop.example/shop" + rest)

    def test_location_path_under_the_upstreams_path_is_rewritten(self, shop):
        assert self.location(shop, "/base/login?a=1") in ("/shop/login?a=1", "http://shop.example/shop/login?a=1")

    @pytest.mark.parametrize(
        "value",
        [
            "https://elsewhere.example/base/x",
            "http://127.0.0.1/base/x",
            "login",
            "?page=2",
            "//elsewhere.example/base/",
            "mailto:a@b.example",
        ],
    )
    def test_other_locations_are_left_alone(self, shop, value):
        assert self.location(shop, value) == value

    def test_a_longer_name_is_not_under_the_upstreams_path(self, shop):
        value = shop.up.url + "/basement/x"
        assert self.location(shop, value) == value

    def test_a_longer_port_is_not_the_upstreams(self, shop):
        value = shop.up.url + "0/base/x"
        assert self.location(shop, value) == value
