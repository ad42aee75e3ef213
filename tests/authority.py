"""A certificate authority that a test makes for itself."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path

from tools import need


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
    def _new(name: str) -> tuple[str, ...]:
        return ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt")

    def issue(self, name: str, address: str = "IP:127.0.0.1") -> None:
        """Write NAME.crt and NAME.key for an address of this machine, or for another."""
        (self.folder / "san").write_text(f"subjectAltName={address}\n")
        self._run("req", "-new", *self._new(name), "-subj", f"/CN={name}")
        self._run("x509", "-req", "-in", f"{name}.crt", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                  "-extfile", "san", "-out", f"{name}.crt.new")  # fmt: skip
        (self.folder / f"{name}.crt.new").rename(self.folder / f"{name}.crt")

    def client(self, certificate: str = "") -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        if certificate:
            context.load_cert_chain(self.folder / f"{certificate}.crt", self.folder / f"{certificate}.key")
        return context
