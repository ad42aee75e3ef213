"""How much harm a change of a file can do: a table of rules, each with its reason in words."""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from tocsin.event import Risk
from tocsin.filewatch.compare import CONTENT, GROUP, INODE, MODE, OWNER, RIGHTS, TARGET, TYPE, Difference, FileChange, leads_again
from tocsin.filewatch.state import DATABASE, DIRECTORY, FILE, LINK

_SECRET = re.compile(
    r"""(?: .*\.(?:key|p12|pfx|jks|keystore|kdbx|ppk|pgpass|netrc|htpasswd|ovpn|tfvars|tfstate|kubeconfig)
          | (?:id_(?:rsa|dsa|ecdsa|ed25519)|ssh_host_\w+_key|shadow-?|gshadow-?|sudoers|\.?pgpass|\.netrc|\.my\.cnf|\.htpasswd
              |\.env(?:\..+)?|credentials|\.git-credentials|\.npmrc|\.pypirc|krb5\.keytab|.*\.keytab|master\.passwd|vault-token|\.vault-token)
          | .*(?:secret|passw(?:or)?d|credential|private[-_.]?key|api[-_.]?key|token).* )""",
    re.VERBOSE | re.IGNORECASE,
)
_PUBLIC = re.compile(r"(?:passwd-?|.*\.pub|.*\.(?:md|html?|py|js|css|txt\.sample|example))", re.IGNORECASE)

_WHO = re.compile(
    r"pg_(?:hba|ident)\.conf|userlist\.txt|authorized_keys2?|sudoers|(?:g?shadow|passwd|group)-?|\.?htpasswd|hosts\.(?:allow|deny)|sshd_config"
)

GROUP_WRITE, OTHER_WRITE, OTHER_READ = stat.S_IWGRP, stat.S_IWOTH, stat.S_IROTH
_SET_ID = stat.S_ISUID | stat.S_ISGID


def is_secret_name(name: str) -> bool:
    """Tell whether a file of such a name is expected to hold what not everybody may read."""
    return _SECRET.fullmatch(name) is not None and _PUBLIC.fullmatch(name) is None


@dataclass(frozen=True, slots=True)
class Rule:
    """The risk of one sort of change. Without `when`, whatever the rules above it did not take."""

    change: FileChange
    attribute: str | None
    risk: Risk
    reason: str
    when: Callable[[Difference], bool] | None = None
    security: bool = False
    """Whether the change bears on who may do what, or looks like an attempt to hide one."""


class Verdict(NamedTuple):
    """How much harm a change can do, why, and whether it bears on security."""

    risk: Risk
    reason: str
    security: bool = False


def weigh(difference: Difference) -> Verdict:
    """Return the risk of a difference, and why.

    Every attribute that differs is weighed, and the other name of what was renamed or rotated; the heaviest counts. Its reasons are
    told, and those of security.
    """
    attributes: tuple[str | None, ...] = difference.attributes or (None,)
    if difference.change in (FileChange.RENAMED, FileChange.ROTATED):
        attributes = (None, *difference.attributes)
    verdicts = [v for attribute in attributes if (v := _verdict(difference, attribute)) is not None]
    order = list(Risk)
    heaviest = max((v.risk for v in verdicts), key=order.index)
    reasons = dict.fromkeys(v.reason for v in verdicts if v.risk is heaviest or v.security)
    return Verdict(heaviest, "; ".join(reasons), any(v.security for v in verdicts))


def _verdict(d: Difference, attribute: str | None) -> Verdict:
    change = FileChange.ALTERED if attribute is not None else d.change
    for rule in RULES:
        if (rule.change, rule.attribute) == (change, attribute) and (rule.when is None or rule.when(d)):
            return Verdict(rule.risk, rule.reason, rule.security)
    return Verdict(Risk.CAUTIOUS, f"{attribute or d.subject.kind} {d.change}")


def _name(d: Difference) -> str:
    return d.path.rpartition("/")[2]


def _gained(bits: int) -> Callable[[Difference], bool]:
    return lambda d: bool(d.subject.mode & bits and not (d.old.mode if d.old else 0) & bits)


def _is_kind(kind: str) -> Callable[[Difference], bool]:
    return lambda d: d.subject.kind == kind


def _is_database(d: Difference) -> bool:
    return d.subject.undigested == DATABASE


def _exposes(d: Difference) -> bool:
    return _gained(OTHER_READ)(d) and d.subject.kind == FILE and is_secret_name(_name(d))


def _all_may_write(d: Difference) -> bool:
    s = d.subject
    sticky = s.kind == DIRECTORY and s.mode & stat.S_ISVTX
    return bool(s.kind in (FILE, DIRECTORY) and s.mode & OTHER_WRITE and not sticky and _gained(OTHER_WRITE)(d))


def _runs_as_other(d: Difference) -> bool:
    return d.subject.kind == FILE and any(_gained(bit)(d) for bit in (stat.S_ISUID, stat.S_ISGID)) and bool(d.subject.mode & 0o111)


def _is_privileged(d: Difference) -> bool:
    return d.subject.kind == FILE and bool(d.subject.mode & _SET_ID and d.subject.mode & 0o111)


def _has_capabilities(d: Difference) -> bool:
    return d.subject.rights is not None and "capabilities=" in d.subject.rights and d.subject.rights != (d.old.rights if d.old else None)


def _lost_rights(d: Difference) -> bool:
    return not d.subject.rights


def _leads_nowhere(d: Difference) -> bool:
    return d.new is not None and d.new.kind == LINK and not d.new.leads_to_file


def _leads_again(d: Difference) -> bool:
    return d.old is not None and d.new is not None and leads_again(d.old, d.new)


def _leads_to_the_same(d: Difference) -> bool:
    return _leads_again(d) and d.old is not None and d.old.digest is not None and d.subject.digest == d.old.digest


def _narrows(d: Difference) -> bool:
    return d.old is not None and d.new is not None and not d.new.mode & ~d.old.mode


def _times_are_forged(d: Difference) -> bool:
    """The content is another, in the same file or in one in its place, and the time of its last change is not: somebody has set it back."""
    if d.old is None or d.new is None or not d.old.kind == d.new.kind == FILE or d.old.mtime_ns != d.new.mtime_ns:
        return False
    return d.old.digest != d.new.digest if d.old.digest and d.new.digest else d.old.size != d.new.size


def _says_who(d: Difference) -> bool:
    return _WHO.fullmatch(_name(d)) is not None


def _no_inode_else(d: Difference) -> bool:
    return CONTENT not in d.attributes and TYPE not in d.attributes


ADDED, DROPPED, ALTERED = FileChange.ADDED, FileChange.DROPPED, FileChange.ALTERED

RULES: tuple[Rule, ...] = (
    Rule(ADDED, None, Risk.CAUTIOUS, "a program that runs with its owner's or group's rights", _runs_as_other, security=True),
    Rule(ADDED, None, Risk.CAUTIOUS, "a program that runs with capabilities of its own", _has_capabilities, security=True),
    Rule(ADDED, None, Risk.CAUTIOUS, "its name speaks of a secret, and everybody may read it", _exposes, security=True),
    Rule(ADDED, None, Risk.CAUTIOUS, "everybody may write to it", _all_may_write, security=True),
    Rule(ADDED, None, Risk.SAFE, "nothing that was there is touched"),
    Rule(
        DROPPED, None, Risk.DESTRUCTIVE, "the database in it is gone: what has it open goes on, and loses all of it when it ends",
        _is_database,
    ),
    Rule(DROPPED, None, Risk.DESTRUCTIVE, "the directory is gone with all that was in it", _is_kind(DIRECTORY)),
    Rule(DROPPED, None, Risk.DESTRUCTIVE, "its content is gone", _is_kind(FILE)),
    Rule(DROPPED, None, Risk.BREAKING, "who opens it by this name finds nothing"),
    Rule(FileChange.RENAMED, None, Risk.BREAKING, "who opens it by its old name finds nothing"),
    Rule(ALTERED, TYPE, Risk.BREAKING, "it is another kind of thing now", security=True),
    Rule(ALTERED, CONTENT, Risk.DESTRUCTIVE, "a log lost content, and it was not rotated", lambda d: d.shrank, security=True),
    Rule(
        ALTERED, CONTENT, Risk.BREAKING, "a program that runs with its owner's or group's rights is another now",
        _is_privileged, security=True,
    ),
    Rule(
        ALTERED, CONTENT, Risk.BREAKING, "the content is another though the time of its last change is the same: it was set back",
        _times_are_forged, security=True,
    ),
    Rule(ALTERED, CONTENT, Risk.BREAKING, "the link leads to no file now", _leads_nowhere),
    Rule(ALTERED, CONTENT, Risk.SAFE, "the link leads to a file again, and the content is the same", _leads_to_the_same),
    Rule(ALTERED, CONTENT, Risk.DESTRUCTIVE, "it is empty now", lambda d: d.new is not None and d.new.kind == FILE and d.new.size == 0),
    Rule(ALTERED, CONTENT, Risk.CAUTIOUS, "it says who may log in, and how", _says_who, security=True),
    Rule(ALTERED, CONTENT, Risk.CAUTIOUS, "the link leads to a file again: who reads it now reads something else", _leads_again),
    Rule(ALTERED, CONTENT, Risk.CAUTIOUS, "who reads it now reads something else"),
    Rule(ALTERED, TARGET, Risk.CAUTIOUS, "the link leads somewhere else"),
    Rule(ALTERED, MODE, Risk.BREAKING, "it runs with its owner's or group's rights now", _runs_as_other, security=True),
    Rule(ALTERED, MODE, Risk.BREAKING, "everybody may write to it now", _all_may_write, security=True),
    Rule(ALTERED, MODE, Risk.BREAKING, "its name speaks of a secret, and everybody may read it now", _exposes, security=True),
    Rule(ALTERED, MODE, Risk.CAUTIOUS, "its group may write to it now", _gained(GROUP_WRITE), security=True),
    Rule(ALTERED, MODE, Risk.CAUTIOUS, "fewer may use it: who relied on it is refused", _narrows),
    Rule(ALTERED, MODE, Risk.CAUTIOUS, "its permissions are wider or others now"),
    Rule(ALTERED, OWNER, Risk.BREAKING, "another user owns it, and may change it and its permissions", security=True),
    Rule(ALTERED, GROUP, Risk.CAUTIOUS, "another group has its group's permissions", security=True),
    Rule(ALTERED, RIGHTS, Risk.BREAKING, "it runs with capabilities of its own now", _has_capabilities, security=True),
    Rule(ALTERED, RIGHTS, Risk.CAUTIOUS, "what capabilities or its access list allowed is no longer allowed", _lost_rights),
    Rule(ALTERED, RIGHTS, Risk.CAUTIOUS, "its access list is another: others than its permissions say may use it", security=True),
    Rule(
        ALTERED, INODE, Risk.DESTRUCTIVE,
        "another file has the database's name: what has the old one open goes on, and loses all of it when it ends", _is_database,
    ),
    Rule(
        ALTERED, INODE, Risk.CAUTIOUS, "another directory has its name: it was moved or made anew, or one is mounted over it",
        _is_kind(DIRECTORY),
    ),
    Rule(ALTERED, INODE, Risk.SAFE, "another file with the same content has its name", _no_inode_else),
    Rule(ALTERED, INODE, Risk.SAFE, "it was written beside and renamed, or removed and made anew"),
    Rule(FileChange.ROTATED, None, Risk.SAFE, "a log was put aside as logs are"),
    Rule(FileChange.FLAPPING, None, Risk.SAFE, "it changes so often that from now on its changes are counted and not told"),
)  # fmt: skip
