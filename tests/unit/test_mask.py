from __future__ import annotations

import random
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mask_corpus import NEGATIVES, SECRETS, S, letters, pem
from mask_formats import FORMATS, READABLE, T
from tocsin import mask
from tocsin.filewatch.textdiff import unified

SECRETS = SECRETS | {f"format {name}": case for name, case in FORMATS.items()}
NEGATIVES = NEGATIVES + READABLE


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


@pytest.mark.parametrize("name", SECRETS)
def test_a_change_of_the_secret_alone_shows_nothing_of_it(name):
    """What is masked does not depend on what the secret is, so that a diff tells of the change and of nothing else."""
    old, *secrets = SECRETS[name]
    new = old.replace(S, "Wolf5!Kp7").replace(T, "garnet")
    if new != old and set(secrets) & {S, T}:
        assert unified(mask.text(old), mask.text(new)) == mask.ONLY_MASKED


@pytest.mark.parametrize("text", NEGATIVES)
def test_what_is_no_secret_stays(text):
    assert mask.text(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"svc: app --password={S} --port 80", "svc: app --password=*** --port 80"),
        (f"svc: app -password={S} -port 80", "svc: app -password=*** -port 80"),
        (f"command: app --token={S} --port 80 --listen ::", "command: app --token=*** --port 80 --listen ::"),
        (f'command: "app --token={S} --port 80"', 'command: "app --token=*** --port 80"'),
        (f"sh -c 'app --token={S} --port 80' >> log", "sh -c 'app --token=*** --port 80' >> log"),
        (f"ExecStart=/usr/bin/java -Ddb.password={S} -Xmx1g", "ExecStart=/usr/bin/java -Ddb.password=*** -Xmx1g"),
        (f"docker run -e DB_PASSWORD={S} --publish 80:80 x", "docker run -e DB_PASSWORD=*** --publish 80:80 x"),
        (f"helm x --set a=b,c.password={S} --wait", "helm x --set a=b,c.password=*** --wait"),
        (f"app --password={S} \\\n  --port 80\n", "app --password=*** \\\n  --port 80\n"),
        (f"app --password={S} | tee log", "app --password=*** | tee log"),
        (f"app --password={S}; rm -r x", "app --password=***; rm -r x"),
        (f"Server=a; password={S}; more of it", "Server=a; password=***; more of it"),
        (f"user=a; password={S};", "user=a; password=***;"),
        (f"$cfg['Servers'][$i]['password'] = '{S}';", "$cfg['Servers'][$i]['password'] = '***';"),
        (f"// $cfg['Servers'][1]['controlpass'] = '{S}';", "// $cfg['Servers'][1]['controlpass'] = '***';"),
        (f'secure_link_md5 "$uri$remote_addr {S}";', 'secure_link_md5 "$uri$remote_addr ***";'),
        ("https://x.example/hook/S3cr3tLongRandom99/run", "https://x.example/hook/***/run"),
    ],
)
def test_what_follows_a_secret_in_its_line_stays(text, masked):
    """Else another port behind a password would be told as a change of what is masked, and of nothing else."""
    assert mask.text(text) == masked


def test_the_corpus_is_wide():
    assert len(SECRETS) >= 450
    assert len(NEGATIVES) >= 200


ADVERSARIAL: dict[str, str | Callable[[int], str]] = {
    # name: the text, of which an eighth is of the same kind, or what makes a part of it
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
    "schemes": lambda part: "a+b" * (330_000 // part) + "://",
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
    "spaces": lambda part: "password" + " " * (10**6 // part) + "=",
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
    "literals of one item": lambda part: "SELECT password, " + "'b'||" * (200_000 // part) + "'c' AS password",
    "nested items": lambda part: "password " + "(SELECT 'a' " * (45_000 // part) + ") AS password " * (32_000 // part),
    "cases": "CASE WHEN 'password' THEN 'a' " * 33_000,
    "comparisons": "'a' = password = " * 60_000,
    "pairs": "('password'::text,'a'::text)," * 34_000,
    "comments": "/* password " * 80_000,
    "nested dollar quotes": lambda part: "password " + "".join(f"$a{i}$'" for i in [*range(50_000 // part), *range(50_000 // part, 0, -1)]),
    "dollar quotes of many names": "password " + "".join(f"$a{i}$" for i in range(120_000)),
    "quotes in quotes": "password " + "'" * 10**6,
    "dotted names": "password." * 110_000,
    "labels": lambda part: "format('" + "password %L " * (80_000 // part) + "', 'a')",
    "brackets": "password[(" * 100_000,
    "here-documents": "password=<<E\n" * 80_000,
    "values before names": '{"value":"a","name":"password"}' * 32_000,
    "elements of names": "<name>password</name>" * 47_000,
    "sections": "[secrets]\na = b\n" * 60_000,
    "objects": 'password {"' * 90_000,
    "options": '"--password",\n' * 70_000,
    "options of lists": "- --password\n" * 75_000,
    "options over lines": "--password \\\n" * 75_000,
    "pairs with comments": "- name: db_password\n  # value: x\n" * 28_000,
    "pairs on one line": "name: db_password, value:" * 40_000,
    "maps": "secrets: {a: " * 76_000,
    "maps of maps": "secrets: {" + "a: {" * 240_000,
    "maps that end": "secrets: {a: {b: c}}" * 50_000,
    "echoes": "echo a " * 140_000,
    "echoes into pipes": "chpasswd " + "echo a | " * 110_000,
    "keys of tunnels": "a : PSK " * 120_000,
    "colons": "a:" * 500_000,
    "columns": "a * b " * 160_000,
    "logins": "user=a:b" * 120_000,
    "lists of logins": "auth: [a, " * 100_000,
    "sentences": "password is a1b2c3d " * 50_000,
    "words of a sentence": "password " + "a1" * 500_000,
    "keys that look random": "key: " + "a1B" * 330_000,
    "keys": "key: 0f3a9c1d5e7b24680f3a9c1d5e7b2468 " * 26_000,
    "elements with names": "<a name='password'>" * 52_000,
    "connections": "mysqli('a', 'b', " * 58_000,
    "commands of devices": "snmpwalk -c a -A b " * 52_000,
    "types of values": '"type": "password", ' * 50_000,
    "results": 'random_password "result": "a" ' * 33_000,
    "options in a line": "--password=a b " * 70_000,
    "options that end": "--password=a; -" * 70_000,
    "options of settings": "-e a=b,password=c " * 58_000,
    "settings of an option": "-e " + "a=b," * 120_000 + "password=c," * 45_000,
    "parts of a connection": "; password=a" * 80_000,
    "keys below parents": "encrypt:\n" + "  key: a\n" * 110_000,
    "keys without parents": "  key: a\n" * 110_000,
    "keys in braces": "jwt: {key: " * 90_000,
    "keys behind keys": "{a: b, key: " * 80_000,
    "spaces before keys": lambda part: "\n" + " " * (500_000 // part) + "key: a " * (70_000 // part),
    "pins": "pin: 1234 " * 100_000,
    "webhooks": "https://hook/a1B" * 60_000,
    "parts of webhooks": "https://hook" + "/a1Ba1Ba1Ba1Ba1B" * 60_000,
    "long parts of webhooks": "https://hook/ " + "https://hook/" + "a1B-" * 250_000,
    "links": 'secure_link_md5 "' + "$uri " * 200_000,
    "links that end": 'secure_link_md5 "$uri a" ' * 40_000,
    "credentials": "credentials: [a, b" * 55_000,
    "logins of tools": "oc login zip 7z " * 62_000,
    "basic logins": "basicAuth: a:b " * 66_000,
    "subscripts": "$password['a']['b'] = " * 45_000,
    "base64 below a name": "password:: abcd" * 66_000,
}  # fmt: skip


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_a_long_text_made_to_be_slow_is_not(name):
    """Time grows with the length, not with its square: eight times as much text takes about eight times as long, not 64 times.

    Only both together say something, whatever the machine. One that was busy with something else meanwhile is given other chances.
    """
    eighth, text = _adversary(name, 32), _adversary(name, 4)
    mask.text("password = x\n")  # what is loaded once is no matter of length
    measured = []
    for _ in range(4):
        short, whole = _seconds(eighth), _seconds(text)
        measured.append(f"{short:.3f} s for an eighth, {whole:.3f} s for all")
        if whole < 20 * short:
            return
    pytest.fail("; ".join(measured))


def _adversary(name: str, part: int = 1) -> str:
    made = ADVERSARIAL[name]
    return made(part) if callable(made) else made[: len(made) // part]


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
        "--password", "\n- ", " is ", "secrets: {", " | chpasswd",
        "enable secret 5 ", "a1b2c3d", "name=", "echo ", "auth: [", " * ", ": PSK ", "\\\n",
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
