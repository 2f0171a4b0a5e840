"""Certificates for tests: an authority of one's own, and what it signs. Made with openssl(1)."""
import subprocess
from pathlib import Path


def run(*args, stdin=None):
    done = subprocess.run(["openssl", *map(str, args)], input=stdin, capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Certificate:
    def __init__(self, path, key):
        self.path, self.key = Path(path), Path(key)

    @property
    def files(self):
        return {"certificate": str(self.path), "key": str(self.key)}


class Authority:
    """Signs certificates. `trusted`: the file that whoever believes it is given."""

    def __init__(self, directory, name="Test Authority"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.key = self.directory / "ca.key"
        self.trusted = self.directory / "ca.pem"
        new_key(self.key)
        run("req", "-x509", "-new", "-key", self.key, "-out", self.trusted, "-days", "30", "-subj", f"/CN={name}")

    def issue(self, name, hosts=None, subject=None, days=30, usage="serverAuth,clientAuth", expired=False, rsa=False):
        """A certificate for these DNS names (or addresses), `name` being that of its files."""
        hosts = [name] if hosts is None else hosts
        path, key, request = (self.directory / f"{name}.{kind}" for kind in ("pem", "key", "csr"))
        new_key(key, rsa)
        run("req", "-new", "-key", key, "-out", request, "-subj", subject or f"/CN={name}")
        names = ",".join(f"IP:{h}" if h.replace(".", "").isdigit() or ":" in h else f"DNS:{h}" for h in hosts)
        extensions = self.directory / f"{name}.ext"
        extensions.write_text(
            (f"subjectAltName={names}\n" if names else "") + f"extendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n"
        )
        if expired:
            return self._expired(name, path, key, request, extensions)
        run("x509", "-req", "-in", request, "-CA", self.trusted, "-CAkey", self.key, "-CAcreateserial", "-days", days,
            "-extfile", extensions, "-out", path)
        return Certificate(path, key)

    def _expired(self, name, path, key, request, extensions):
        """x509 -req knows no dates in the past: ca does."""
        home = self.directory / f"{name}.ca"
        home.mkdir()
        (home / "index").write_text("")
        (home / "serial").write_text("1000\n")
        (home / "conf").write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndir={home}\ndatabase={home}/index\nserial={home}/serial\nnew_certs_dir={home}\n"
            f"default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
        )
        run("ca", "-batch", "-config", home / "conf", "-in", request, "-cert", self.trusted, "-keyfile", self.key,
            "-startdate", "20200101000000Z", "-enddate", "20200201000000Z", "-extfile", extensions, "-notext",
            "-out", path)
        return Certificate(path, key)


def new_key(path, rsa=False):
    if rsa:
        run("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", path)
    else:
        run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
