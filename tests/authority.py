"""A certificate authority that a test makes for itself."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

from tools import need

KEYS = {
    "ec": ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
    "rsa": ("rsa:2048",),
    "ed25519": ("ed25519",),
}


class Authority:
    """A certificate authority in a folder: its own `ca.crt`, and a certificate for each name it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._openssl = need("openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self._run("req", "-x509", *self._new("ca"), "-subj", "/CN=test authority", "-days", "2")

    def _run(self, *args: str) -> None:
        done = subprocess.run([self._openssl, *args], cwd=self.folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    @staticmethod
    def _new(name: str, key: str = "ec") -> tuple[str, ...]:
        return ("-newkey", *KEYS[key], "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def issue(self, name: str, address: str = "IP:127.0.0.1", *, key: str = "ec", days: int = 2, issuer: str = "ca") -> None:
        """Write NAME.crt and NAME.key for an address of this machine, or for another. With days below 0 it has ended already."""
        self._sign(name, f"subjectAltName={address}", key, days, issuer)

    def issue_authority(self, name: str, days: int = 2) -> None:
        """Write NAME.crt and NAME.key of an authority below this one."""
        self._sign(name, "basicConstraints=critical,CA:TRUE", "ec", days, "ca")

    def _sign(self, name: str, extension: str, key: str, days: int, issuer: str) -> None:
        (self.folder / "extensions").write_text(f"{extension}\n")
        self._run("req", "-new", *self._new(name, key), "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", f"{name}.crt", "-CA", f"{issuer}.crt", "-CAkey", f"{issuer}.key", "-CAcreateserial",
                  "-days", str(days), "-extfile", "extensions", "-out", f"{name}.crt.new")  # fmt: skip
        (self.folder / f"{name}.crt.new").rename(self.folder / f"{name}.crt")

    def self_signed(self, name: str, address: str = "IP:127.0.0.1", key: str = "ec") -> None:
        """Write NAME.crt and NAME.key that nobody but itself has signed."""
        words = ("-subj", f"/CN={name}", "-days", "2", "-addext", f"subjectAltName={address}")
        self._run("req", "-x509", *self._new(name, key), *words)

    def chained(self, name: str, *others: str) -> None:
        """Have NAME.crt hold the others' certificates too, as a server sends them."""
        with (self.folder / f"{name}.crt").open("a") as file:
            file.writelines((self.folder / f"{other}.crt").read_text() for other in others)

    def give(self, name: str, folder: Path) -> tuple[str, str]:
        """Copy NAME.crt and NAME.key into a server's folder, for its owner alone, and return where they are."""
        for ending in ("crt", "key"):
            copied = shutil.copy(self.folder / f"{name}.{ending}", folder / f"{name}.{ending}")
            shutil.chown(copied, folder.owner())
            Path(copied).chmod(0o600)
        return str(folder / f"{name}.crt"), str(folder / f"{name}.key")

    def client(self, certificate: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.crt", self.folder / f"{certificate}.key")
        return context
