"""Certificates are read as openssl reads them, judged as its clients judge them, and nothing made of bytes harms whoever reads them."""

from __future__ import annotations

import ssl
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authority import KEYS, Authority
from tocsin.errors import SetupError
from tocsin.handshake.certificate import Certificate, Malformed, read
from tocsin.handshake.verify import REASONS, Verdict, is_for, verify

ADDRESSES = "IP:127.0.0.1,IP:::1,DNS:db.example,DNS:*.pool.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    found = Authority(tmp_path_factory.mktemp("authority"))
    for key in KEYS:
        found.issue(key, ADDRESSES, key=key)
        found.self_signed(f"self-{key}", ADDRESSES, key=key)
    found.issue("expired", ADDRESSES, days=-1)
    found.issue_authority("between")
    found.issue("alone", issuer="between")
    found.issue("chained", issuer="between")
    found.chained("chained", "between")
    return found


def chain(authority: Authority, name: str) -> tuple[bytes, ...]:
    pieces = (authority.folder / f"{name}.crt").read_text().split("-----END CERTIFICATE-----\n")
    return tuple(ssl.PEM_cert_to_DER_cert(f"{piece}-----END CERTIFICATE-----\n") for piece in pieces if piece)


def made(folder: Path, *words: str) -> bytes:
    """Return a certificate that openssl makes with these words."""
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "k", "-out", "c", "-outform", "DER", *words]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return (folder / "c").read_bytes()


@pytest.mark.parametrize("name", ["ec", "rsa", "ed25519", "self-ec", "expired", "chained"])
def test_a_certificate_is_read_as_openssl_reads_it(authority: Authority, name: str) -> None:
    found = read(chain(authority, name)[0])
    words = ["-noout", "-subject", "-issuer", "-serial", "-dates", "-fingerprint", "-sha256", "-nameopt", "RFC2253", "-dateopt", "iso_8601"]
    said = subprocess.run(
        ["openssl", "x509", "-in", f"{name}.crt", *words], cwd=authority.folder, check=True, capture_output=True, text=True
    ).stdout
    lines = dict(line.split("=", 1) for line in said.splitlines())
    assert (found.subject, found.issuer) == (lines["subject"], lines["issuer"])
    assert found.serial.upper().lstrip("0") == lines["serial"].lstrip("0")
    assert found.fingerprint.upper() == lines["sha256 Fingerprint"].replace(":", "")
    for moment, line in ((found.not_before, "notBefore"), (found.not_after, "notAfter")):
        assert time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(moment)) == lines[line]


def test_names_and_addresses_are_all_told(authority: Authority) -> None:
    assert read(chain(authority, "ec")[0]).names == ("127.0.0.1", "::1", "db.example", "*.pool.example")


def test_names_of_people_and_places_are_written_so_that_they_can_be_shown(tmp_path: Path) -> None:
    found = read(made(tmp_path, "-utf8", "-subj", "/C=DE/O=Bäcker, Müller \\+ Söhne/OU=a\\/b/CN=x\x07y\ny/emailAddress=a@b.example"))
    assert found.subject == "emailAddress=a@b.example,CN=x?y?y,OU=a/b,O=Bäcker\\, Müller \\+ Söhne,C=DE"
    assert found.is_self_issued


def test_a_certificate_without_names_and_one_for_a_thousand_years_are_read(tmp_path: Path) -> None:
    found = read(made(tmp_path, "-subj", "/", "-days", str(365 * 1000)))
    assert (found.subject, found.issuer, found.names) == ("", "", ())
    assert found.not_after - found.not_before == 365 * 1000 * 86400


def test_however_much_a_certificate_says_a_label_stays_bounded(tmp_path: Path) -> None:
    names = ",".join(f"DNS:host{number}.example" for number in range(3000))
    config = tmp_path / "cnf"
    config.write_text(f"[req]\ndistinguished_name=dn\n[dn]\n[e]\nsubjectAltName={names}\n")
    subject = "/" + "/".join(f"OU={'x' * 64}" for _ in range(100))
    found = read(made(tmp_path, "-config", str(config), "-extensions", "e", "-subj", subject))
    assert len(found.names) == 1000
    assert len(found.subject) <= 512


@pytest.mark.parametrize(
    ("name", "trusted", "system"),
    [
        ("ec", "", "unknown_authority"),
        ("rsa", "", "unknown_authority"),
        ("ed25519", "", "unknown_authority"),
        ("self-ec", "self_signed", "self_signed"),
        ("self-rsa", "self_signed", "self_signed"),
        ("expired", "expired", "unknown_authority"),
        ("alone", "unknown_authority", "unknown_authority"),
        ("chained", "", "unknown_authority"),
    ],
)
def test_a_chain_is_judged_as_a_client_would(authority: Authority, name: str, trusted: str, system: str) -> None:
    assert verify(chain(authority, name), authority.folder / "ca.crt").reason == trusted
    assert verify(chain(authority, name), None).reason == system
    assert {trusted, system} <= {"", *REASONS}


@pytest.mark.parametrize("key", KEYS)
def test_a_self_signed_certificate_is_good_where_it_is_what_is_trusted(authority: Authority, key: str) -> None:
    assert verify(chain(authority, f"self-{key}"), authority.folder / f"self-{key}.crt") == Verdict()


def test_a_weak_key_is_told(tmp_path: Path) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes", "-keyout", "k", "-out", "c", "-subj", "/CN=weak"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    assert verify((ssl.PEM_cert_to_DER_cert((tmp_path / "c").read_text()),), tmp_path / "c").reason == "weak"


@pytest.mark.parametrize("key", ["ec", "self-ec", "rsa", "self-rsa", "expired"])
def test_it_is_told_which_names_a_certificate_is_for_whoever_has_signed_it(authority: Authority, key: str) -> None:
    leaf = chain(authority, key)[0]
    good = ["127.0.0.1", "::1", "db.example", "DB.example", "a.pool.example"]
    assert [name for name in good if is_for(leaf, name)] == good
    bad = ["127.0.0.2", "::2", "example", "other.example", "pool.example", "a.b.pool.example", "", ".", "a..b", "x" * 300, "\0"]
    assert not [name for name in bad if is_for(leaf, name)]


def test_a_file_of_authorities_that_cannot_be_used_is_named(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("nothing")
    for path, why in ((tmp_path / "absent.pem", "No such file"), (tmp_path / "empty.pem", "holds no certificate"), (tmp_path, "")):
        with pytest.raises(SetupError, match=path.name) as caught:
            verify(chain(authority, "ec"), path)
        assert why in str(caught.value)


def survives(der: bytes) -> None:
    """Read and judge bytes; they are a certificate or they are not, and that is all that may come of it."""
    with suppress(Malformed):
        assert isinstance(read(der), Certificate)
    assert isinstance(verify((der,), None), Verdict)
    assert is_for(der, "127.0.0.1") in (True, False)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_survived(data: bytes) -> None:
    survives(data)


@settings(max_examples=500, deadline=None)
@given(st.data())
def test_spoiled_certificates_are_survived(authority: Authority, data: st.DataObject) -> None:
    der = bytearray(chain(authority, data.draw(st.sampled_from(["ec", "rsa", "self-ec", "expired"])))[0])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(der) - 1))
        match data.draw(st.sampled_from(["change", "cut", "insert", "remove"])):
            case "change":
                der[place] = data.draw(st.integers(0, 255))
            case "cut":
                del der[place:]
            case "insert":
                der[place:place] = data.draw(st.binary(max_size=8))
            case _:
                del der[place : place + data.draw(st.integers(1, 8))]
        if not der:
            break
    survives(bytes(der))


def sequence(content: bytes) -> bytes:
    return b"\x30\x84" + len(content).to_bytes(4, "big") + content


def test_a_certificate_of_many_small_parts_is_read_in_no_time() -> None:
    """Quadratic reading would take minutes."""
    names = b"".join(b"\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x0c\x02ab" for _ in range(30_000))
    dates = sequence(b"\x17\x0d260101000000Z" * 2)
    body = sequence(b"\x02\x01\x01" + sequence(b"") + sequence(names) + dates + sequence(names) + sequence(b""))
    began = time.process_time()
    assert read(sequence(body)).subject.startswith("CN=ab,CN=ab")
    assert time.process_time() - began < 5
