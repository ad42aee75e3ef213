from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask_corpus import NEGATIVES, SECRETS, S, letters, pem
from tocsin import mask


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_survives(name):
    text, *secrets = SECRETS[name]
    masked = mask.text(text)
    for secret in secrets:
        assert secret in text, "the case is no case"
        assert secret not in masked, masked
    assert mask.STARS in masked


@pytest.mark.parametrize("name", SECRETS)
def test_masking_twice_changes_nothing(name):
    masked = mask.text(SECRETS[name][0])
    assert mask.text(masked) == masked


@pytest.mark.parametrize("name", SECRETS)
def test_every_line_stays_a_line(name):
    text = SECRETS[name][0]
    assert mask.text(text).count("\n") == text.count("\n")


@pytest.mark.parametrize("name", SECRETS)
def test_what_stands_around_a_secret_stays(name):
    text = f"[first]\nlisten = 1\n{SECRETS[name][0]}\n[last]\nlisten = 2\n"
    masked = mask.text(text)
    assert masked.startswith("[first]\nlisten = 1\n")
    assert masked.endswith("\n[last]\nlisten = 2\n") or _never_ends(SECRETS[name][0])


def _never_ends(text: str) -> bool:
    return ("-----BEGIN" in text and "-----END" not in text) or text.endswith("stap")


@pytest.mark.parametrize("name", SECRETS)
def test_no_secret_survives_with_the_line_ends_of_windows(name):
    text, *secrets = SECRETS[name]
    masked = mask.text(text.replace("\n", "\r\n"))
    assert mask.text(masked) == masked
    for secret in secrets:
        for line in secret.split("\n"):
            assert line not in masked, masked


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_is_no_secret_stays(text):
    assert mask.text(text) == text


def test_the_corpus_is_wide():
    assert len(SECRETS) >= 150
    assert len(NEGATIVES) >= 60


ADVERSARIAL = {
    "one word": "a" * 10**6,
    "names without values": "password " * 110_000,
    "names with colons": "password:" * 110_000,
    "names with equals": "password=" * 110_000,
    "settings that name nothing": "password=$1 " * 80_000,
    "settings on lines": "password:\n" * 100_000,
    "quotes that never end": "password='" * 100_000,
    "double quotes": 'password="' * 100_000,
    "quotes alone": "'\"" * 500_000,
    "backslashes": "password='" + "\\" * 10**6,
    "doubled quotes": "password='" + "''" * 500_000,
    "addresses": "a://b:c" * 140_000,
    "addresses with logins": "a://b:c@" * 120_000,
    "addresses on one line": "a://b:1 " * 120_000,
    "schemes": "a+b" * 330_000 + "://",
    "begins": "-----BEGIN A PRIVATE KEY-----" * 34_000,
    "public begins": "-----BEGIN PUBLIC KEY-----" * 38_000,
    "braces": "pwd={" * 200_000,
    "lists": "password: [" * 90_000,
    "masked lists": "password: [***\n" * 70_000,
    "tags": "<password " * 100_000,
    "elements": "<password>" * 100_000,
    "empty elements": "<password></password>" * 48_000,
    "tokens": "eyJ" * 330_000,
    "more tokens": "eyJaaaaaaaaaa." * 70_000,
    "calls": "crypt(" * 170_000,
    "calls with literals": "crypt('" * 140_000,
    "inserts": "INSERT INTO a (password) VALUES " * 31_000,
    "identified": "IDENTIFIED BY " * 70_000,
    "go logins": "a:b@tcp(" * 125_000,
    "commands": "mysql curl " * 90_000,
    "one-line tables": "a:1:b:c:d:" * 100_000,
    "shadow": "a:b::::::" * 110_000,
    "names beside values": '{"name": "password"}' * 50_000,
    "secrets of kubernetes": "kind: Secret\ndata:\n" * 50_000,
    "documents": "kind: Secret\n---\n" * 60_000,
    "spaces": "password" + " " * 10**6 + "=",
    "blank lines": "password:" + "\n" * 10**6,
    "indented lines": "password: |\n" + " a\n" * 300_000,
    "defaults": "password text DEFAULT " * 45_000,
    "putty": "Private-Lines: 9999\n" * 50_000,
    "bearers": "Bearer " * 140_000,
    "stars": "password: *** " * 70_000,
    "dollars": "$" * 10**6,
    "dollar quotes": "password=$a$" * 83_000,
    "queries": "?key=" * 200_000,
    "at signs": "@" * 10**6,
    "attached": "ATTACH KEY " * 90_000,
    "aliases": "SELECT 'a' AS password " * 43_000,
    "aliases of one item": "SELECT " + "'a'," * 20 + "'b'" + " AS password" * 80_000,
    "literals of one item": "SELECT password, " + "'b'||" * 200_000 + "'c' AS password",
    "nested items": "password " + "(SELECT 'a' " * 45_000 + ") AS password " * 32_000,
    "cases": "CASE WHEN 'password' THEN 'a' " * 33_000,
    "comparisons": "'a' = password = " * 60_000,
    "pairs": "('password'::text,'a'::text)," * 34_000,
    "comments": "/* password " * 80_000,
    "nested dollar quotes": "password " + "".join(f"$a{i}$'" for i in range(50_000)) + "".join(f"$a{i}$'" for i in range(50_000, 0, -1)),
    "dollar quotes of many names": "password " + "".join(f"$a{i}$" for i in range(120_000)),
    "quotes in quotes": "password " + "'" * 10**6,
    "dotted names": "password." * 110_000,
    "labels": "format('" + "password %L " * 80_000 + "', 'a')",
    "brackets": "password[(" * 100_000,
    "here-documents": "password=<<E\n" * 80_000,
    "values before names": '{"value":"a","name":"password"}' * 32_000,
    "elements of names": "<name>password</name>" * 47_000,
    "sections": "[secrets]\na = b\n" * 60_000,
    "objects": 'password {"' * 90_000,
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_megabyte_made_to_be_slow_is_not(name):
    """Time grows with the length, not with its square: eight times as much text takes about eight times as long."""
    text = ADVERSARIAL[name]
    short = _seconds(text[: len(text) // 8])
    whole = _seconds(text)
    assert whole < 40 * short + 1.5, f"{short:.2f} s for an eighth, {whole:.2f} s for all"


def _seconds(text: str) -> float:
    began = time.process_time()
    mask.text(text)
    return time.process_time() - began


_PIECES = st.sampled_from(
    [
        "password", "token", "user", "=", ": ", " = ", "'", '"', "\n", "  ", "- ", "{", "}", "[", "]", "(", ")", "***", "\\", "$1",
        "${A}", "://", "@", "a", "hunter2", ",", ";", "|", ">", "<password>", "</password>", "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----", "#", "&", "kind: Secret", "data:", "IDENTIFIED BY ", "PASSWORD ", "crypt(",
        "Authorization: Bearer ", "postgres://u:p@h/d", "\\n", "&quot;", "$$", "'''", "value: ", "name: ",
        "INSERT INTO t (password) VALUES (", "DEFAULT ", "@tcp(", "$6$abcdefgh$ijklmnop", "\t", "\r\n", "secret", "KEY ",
        "db:5432:a:b:", "%26", "?password=", "SELECT ", " AS password", "'X'", "::text", "CASE ", "WHEN 'password' ", "THEN ", " END ",
        "/*", "--", "current_setting('app.token')", "\\'", "$q$", " FROM ", "format('PASSWORD %L',",
        "<<EOF\n", "EOF", "[secrets]\n", "secrets:\n", "? ", "<name>", "</name>", "<value>", "user a on >", "$ANSIBLE_VAULT;1\n", "ab\n",
    ]
)  # fmt: skip


@settings(max_examples=1500, deadline=None)
@given(st.lists(_PIECES, max_size=30).map("".join))
def test_whatever_is_masked_is_masked_for_good(text):
    masked = mask.text(text)
    assert mask.text(masked) == masked
    assert masked.count("\n") == text.count("\n")


def test_a_secret_survives_nowhere_among_others():
    """Cases put together in any order: what stands before one must not make it go unnoticed."""
    chance = random.Random(4711)
    names = [n for n in SECRETS if not _never_ends(SECRETS[n][0])]
    for _ in range(150):
        chosen = chance.sample(names, 4)
        masked = mask.text("\n\n".join(SECRETS[n][0] for n in chosen))
        for name in chosen:
            for secret in SECRETS[name][1:]:
                assert secret not in masked or len(secret) < 5, (chosen, secret, masked)


def test_a_value_is_masked_by_the_name_of_its_column():
    assert mask.value("api_token", f"'{S}'::text") == "'***'::text"
    assert mask.value("title", "'none'::text") == "'none'::text"
    assert letters(64) not in mask.value("title", pem())
    assert re.search("hunter2", mask.value("password_hint_file", f"'{S}'"))
