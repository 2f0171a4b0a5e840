"""Includes obey the order of the rooms: a room includes itself and what src/CMakeLists.txt lets it link, nothing else.
Libraries that do I/O are included by net and http alone."""

import re

import tree

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(?:"(?P<own>[^"]+)"|<(?P<system>[^>]+)>)', re.MULTILINE)
_ROOM = re.compile(r"^room\((\w+)(?:\s+DEPENDS\s+([^)]*))?\)", re.MULTILINE)
_IO_HEADERS = ("uv.h", "ares.h", "llhttp.h", "hiredis", "openssl/", "nghttp2/")
# Of these libraries what only computes.
_NO_IO_HEADERS = ("openssl/hmac.h", "openssl/crypto.h")
_IO_ROOMS = ("net", "http", "store", "source")
# The command `version` says which libraries are linked.
_VERSIONS_ALONE = {("src/cli/cli.cc", "uv.h"), ("src/cli/cli.cc", "ares.h")}
_GENERATED = ("version_generated.h",)


def rooms(cmake):
    """{room: every room it may include}, itself included; what a room links it may include, and what that one may."""
    seen = {}
    for name, depends in _ROOM.findall(cmake):
        allowed = {name}
        for library in depends.split():
            if library.startswith("vg_"):
                if library[3:] not in seen:
                    raise ValueError(f"src/CMakeLists.txt: room {name} depends on {library[3:]}, which is not above it")
                allowed |= seen[library[3:]]
        seen[name] = allowed
    return seen


def check_file(name, text, allowed):
    """Errors of one file. A path of src/<room>/ or tests/unit/<room>/ says which room it stands in."""
    parts = name.split("/")
    if parts[0] == "src":
        room = parts[1] if len(parts) > 2 else "main"
    else:
        room = parts[2] if parts[1] == "unit" and len(parts) > 3 else "tests"
    may = allowed.get(room, set(allowed))
    errors = []
    if room not in allowed and room not in ("main", "tests"):
        errors.append(f"{name}:1: {room} is not a room of src/CMakeLists.txt")
    for include in _INCLUDE.finditer(text):
        line = text.count("\n", 0, include.start()) + 1
        own, system = include.group("own"), include.group("system")
        if own and own not in _GENERATED:
            target = own.split("/")[0]
            if target in allowed and target not in may:
                errors.append(f"{name}:{line}: {room} may not include {own}: src/CMakeLists.txt does not let it link {target}")
            elif parts[0] == "src" and target not in allowed:
                errors.append(f'{name}:{line}: write "room/file.h", not "{own}"')
        does_io = system and system.startswith(_IO_HEADERS) and not system.startswith(_NO_IO_HEADERS)
        if does_io and parts[0] == "src" and room not in _IO_ROOMS and (name, system) not in _VERSIONS_ALONE:
            errors.append(f"{name}:{line}: <{system}> does I/O and belongs to {', '.join(_IO_ROOMS)}")
    return errors


def check():
    allowed = rooms(tree.read("src/CMakeLists.txt"))
    errors = []
    for name in tree.cxx_files("src", "tests/unit"):
        errors += check_file(name, tree.read(name), allowed)
    return errors
