"""The units of systemd/: well-formed, and as closed as the product promises. Read offline: nothing is started."""

import pathlib
import re
import shutil
import subprocess

import pytest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "systemd"
MOST_EXPOSURE = 1.5

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")


@pytest.fixture
def units(tmp_path):
    """Copies whose program exists here, as it does where the package is installed."""
    for unit in UNITS.iterdir():
        (tmp_path / unit.name).write_text(unit.read_text().replace("/usr/bin/viewgate", "/bin/true"))
    return tmp_path


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def test_units_verify_without_a_word(units):
    done = analyze("verify", *sorted(units.iterdir()))
    words = [line for line in (done.stdout + done.stderr).splitlines() if "viewgate" in line]
    assert done.returncode == 0 and words == []


def test_a_broken_unit_is_noticed(units):
    service = units / "viewgate.service"
    service.write_text(service.read_text() + "\n[Service]\nProtectSystm=strict\n")
    done = analyze("verify", service)
    assert "ProtectSystm" in done.stdout + done.stderr


def test_exposure_is_low(units):
    done = analyze("security", "--offline=true", "--no-pager", units / "viewgate.service")
    level = re.search(r"Overall exposure level for viewgate.service: ([0-9.]+)", done.stdout)
    assert level, done.stdout + done.stderr
    assert float(level.group(1)) <= MOST_EXPOSURE


def test_the_service_waits_longer_for_a_stop_than_the_gateway_drains():
    text = (UNITS / "viewgate.service").read_text()
    sample = (UNITS.parent / "config" / "viewgate.yaml").read_text()
    stop = int(re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE).group(1))
    drain = int(re.search(r"^\s*drain_timeout: (\d+)s\b", sample, re.MULTILINE).group(1))
    assert stop > drain
