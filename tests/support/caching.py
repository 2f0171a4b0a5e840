"""Gateways whose one route keeps answers, and what they say of it."""
import re
import time
from email.utils import formatdate

from support.rest import raw, single


def date(seconds_ago=0):
    return formatdate(time.time() - seconds_ago, usegmt=True)


def fresh(body=b"kept", *more, seconds=100, status=200):
    """An answer that its upstream calls fresh for so long."""
    return raw(body, status, [("Cache-Control", f"max-age={seconds}"), *more])


def aged(body, *more, lifetime, age, status=200):
    """An answer that has been on its way for `age` seconds: so it is stale where that is more than its lifetime."""
    return raw(body, status, [("Cache-Control", f"max-age={lifetime}"), ("Age", age), *more])


def kept(world, table, cache=None, top=None, route=None, **more):
    """A proxy-fetch route over `table` with this `cache`, and its upstream."""
    made = {"name": "all", "path": "/{rest...}", "view": "proxy-fetch", "source": "up/{rest}",
            "cache": {} if cache is None else cache, **(route or {})}
    return single(world, [*more.pop("routes", []), made], table, top=top, **more)


def said(answer):
    """Our member of Cache-Status as a dict: {"hit": True, "ttl": 99}; {} without one."""
    members = ",".join(answer.headers.all("cache-status")).split(",")
    ours = [m for m in members if m.split(";")[0].strip() == "viewgate"]
    assert len(ours) <= 1, members
    found = {}
    for part in ours[0].split(";")[1:] if ours else []:
        name, equals, value = part.strip().partition("=")
        found[name] = (int(value) if re.fullmatch(r"-?\d+", value) else value.strip('"')) if equals else True
    return found


def is_hit(answer):
    return said(answer).get("hit", False)


def is_miss(answer):
    return "fwd" in said(answer)
