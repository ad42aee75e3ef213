"""How a database that was found is watched: what its labels and the configuration's defaults say of its login, and what is missing.

A login goes to nobody whom the configuration did not mean. Labels may come from an image that somebody else made: the files that they
name lie in one folder, an auth module that they name says itself for whom it is, and no password leaves in clear.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from tocsin import catalog
from tocsin.auth import AuthModule, LoadedModule, UserPass
from tocsin.config import Config
from tocsin.discovery.found import Found
from tocsin.discovery.places import Resolver, split
from tocsin.errors import CollectError, ProbeError
from tocsin.event import one_line
from tocsin.options import Secret, TargetOptions
from tocsin.sources.endpoint.config import EndpointOptions
from tocsin.sources.mysql.config import GUARDED, MysqlOptions
from tocsin.sources.postgres.config import PostgresOptions

_LONGEST_VALUE = 200
_NO_FILE = f"{os.devnull}/none"
"""Of which libpq says nothing; of a file that is there and is no plain one it would."""


class Lacking(Exception):
    """There is no login for it; the message says which one is missing and how to give it."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The target that watches a database, None where there is no way to it, and what is missing for all that could be watched."""

    options: TargetOptions | None
    missing: str = ""


def plan(found: Found, name: str, config: Config, resolver: Resolver) -> Plan:
    """Return how a database is watched. Looks at the files that its labels name; reads none of them but for a connection string."""
    if not found.addresses:
        return Plan(None, "a way to it: publish its port, or put the exporter into one of its networks")
    source = catalog.source(found.engine)
    if source.visit is None:  # a file: no login, only a path
        return Plan(source.options(name=name, kind=found.engine, path=Path(found.addresses[0])))  # type: ignore[call-arg]
    try:
        return Plan(replace(_guarded(_with_login(found, config, resolver)), name=name))
    except Lacking as lacking:
        return _watched_from_outside(found, name, str(lacking))


def _watched_from_outside(found: Found, name: str, missing: str) -> Plan:
    """Return the plan for a server to which we have no login: whether it answers, and its certificate, which a socket has none of."""
    address = next((a for a in found.addresses if split(a)[1]), found.addresses[0])
    return Plan(EndpointOptions(name=name, kind="endpoint", protocol=found.engine, address=address), missing)


def _with_login(found: Found, config: Config, resolver: Resolver) -> TargetOptions:
    """Return the options of a target that logs in. Raises Lacking."""
    labels, general = found.hints, _module(config.defaults, found.engine)
    admitted = general if general is not None and _is_meant(general, found) else None
    if "dsn_file" in labels:
        return _by_connection_string(found, admitted or _bare(found.engine), _label_file("dsn_file", found, config), resolver)
    if "auth_module" in labels:
        return _visit(_named_module(found, config), found)
    if labels.keys() & {"user", "password_file"}:
        return _visit(_labelled(found, admitted or _bare(found.engine), config), found)
    if general is None:
        raise Lacking(f"a login: give one under defaults.{found.engine}{_or_labels(found)}")
    if admitted is None:
        raise Lacking(f"a login: defaults.{found.engine}.targets leave it out; add {_first_name(found)!r} to them{_or_labels(found)}")
    return _visit(_chosen(admitted, found), found)


def _guarded(options: TargetOptions) -> TargetOptions:
    """Return options by which MySQL gets no password itself from us, unless it shows who it is or the defaults choose a mode by name.

    Whoever is at the address now was looked up a moment ago, and may be another one by the time that we are there.
    """
    return replace(options, ssl_mode=GUARDED) if isinstance(options, MysqlOptions) and not options.ssl_mode else options


def _chosen(module: LoadedModule, found: Found) -> LoadedModule:
    """Return the module if its login may go to a server that nobody has named. Raises Lacking."""
    if not module.targets and _may_be_given_away(module, found):
        raise Lacking(
            f"a word for whom the login is: MySQL may have whoever answers ask for the password itself; name those that are meant, such as "
            f"{_first_name(found)!r}, under defaults.{found.engine}.targets, or {_proof(found)}"
        )
    return module


def _may_be_given_away(module: LoadedModule, found: Found) -> bool:
    """Tell whether a password could be had by somebody who only pretends to be a server.

    That is so over the network unless he must prove it, and always at a socket, where nothing can be proved: whoever may write to
    any folder on the way to it can put his own there between two looks.
    """
    if not isinstance(module.template, MysqlOptions):
        return False
    return not (split(found.addresses[0])[1] and module.template.knows_the_server)


def _proof(found: Found) -> str:
    return "say ssl_mode: verify_identity" if split(found.addresses[0])[1] else "configure it as a target"


def _module(modules: dict[str, AuthModule], name: str) -> LoadedModule | None:
    found = modules.get(name)
    return found if isinstance(found, LoadedModule) else None


def _bare(engine: str) -> LoadedModule:
    """Return a module that knows no login: that of the defaults is not for whom they do not mean."""
    return LoadedModule(name=engine, kind=engine, template=catalog.source(engine).options(name=engine, kind=engine))


def _labelled(found: Found, base: LoadedModule, config: Config) -> LoadedModule:
    """Return the login that labels give; what they do not say of it `base` does."""
    user = found.hints.get("user", base.userpass.username)
    if not user:
        raise Lacking("a user name beside the label tocsin.password_file: add the label tocsin.user")
    if "password_file" not in found.hints:
        return replace(_chosen(base, found) if _has_password(base) else base, userpass=replace(base.userpass, username=user))
    path = _label_file("password_file", found, config)
    folder = config.discovery.label_files
    if _may_be_given_away(base, found) and folder is not None and not _is_called_after(path, folder, found.place):
        raise Lacking(
            "the file of the label tocsin.password_file: MySQL may have whoever answers ask for the password itself, so the file must be "
            f"called after its container: {folder}/{found.place}; or say ssl_mode: verify_identity under defaults.mysql"
        )
    return replace(base, userpass=UserPass(username=user, password_file=path))


def _has_password(module: LoadedModule) -> bool:
    login = module.userpass
    return bool(login.password.reveal() or login.password_file or getattr(module.template, "my_cnf", None))


def _is_called_after(path: Path, folder: Path, container: str) -> bool:
    """Tell whether a file, or the folder that it is in, has the container's name, whatever the file's name ends with."""
    first = path.relative_to(folder.resolve()).parts[0]
    return first == container or (first == path.name and path.stem == container)


def _named_module(found: Found, config: Config) -> LoadedModule:
    """Return the auth module that a label names, if it says itself that it is for this database."""
    name = _shown(found.hints["auth_module"])
    module = _module(config.auth_modules, found.hints["auth_module"])
    if module is None or module.kind != found.engine:
        raise Lacking(
            f"an auth module: the label tocsin.auth_module names {name}, and auth_modules has none of that name for {found.engine}"
        )
    if not module.targets:
        raise Lacking(
            f"the auth module's word: a label must not choose where a login goes; add {_first_name(found)!r} to auth_modules.{name}.targets"
        )
    if not _is_meant(module, found):
        raise Lacking(f"the auth module's word: auth_modules.{name}.targets leave it out; add {_first_name(found)!r} to them")
    return module


def _by_connection_string(found: Found, base: LoadedModule, path: Path, resolver: Resolver) -> TargetOptions:
    """Return options with that file; its login goes where the file says, so that must be this database."""
    options: TargetOptions = replace(base.template, dsn_file=path)  # type: ignore[call-arg]
    try:
        places = options.places()
    except CollectError as error:
        raise Lacking(f"a connection string: {error}") from error
    resolver.look_up((*places, *found.addresses), forgets=False)
    if not resolver.spot(places).loose & resolver.spot(found.addresses).loose:
        raise Lacking(f"a connection string for it: {path} names none of its addresses, which are {', '.join(found.addresses)}")
    return options


def _visit(module: LoadedModule, found: Found) -> TargetOptions:
    """Return the options of a target at the first address to which the source knows a way.

    Without the module's `targets`, which have been looked at: what answers there may not ask for the password in clear.
    """
    visit = catalog.source(found.engine).visit
    assert visit is not None
    for address in found.addresses[:1] if found.engine == "mysql" else found.addresses:  # of which it was asked whose it is
        try:
            return _with_nothing_of_ours(visit(replace(module, targets=()), _word(found.engine, address)), module)
        except ProbeError as error:
            reason = str(error)
    raise Lacking(f"an address that can be used: {reason}")


def _with_nothing_of_ours(options: TargetOptions, module: LoadedModule) -> TargetOptions:
    """Return options that libpq completes by no password of the exporter's own, from PGPASSWORD or ~/.pgpass, which nobody meant for it."""
    if not isinstance(options, PostgresOptions) or _has_password(module) or "passfile" in module.options:
        return options
    return replace(options, dsn=Secret(f"{options.dsn.reveal()} password='' passfile='{_NO_FILE}'"))


def _word(engine: str, address: str) -> str:
    """Return an address as a request to /probe would say it."""
    if split(address)[1]:
        return address
    if engine == "mysql":
        return f"unix://{address}"
    folder, _, port = address.rpartition("/.s.PGSQL.")
    escaped = folder.replace("\\", "\\\\").replace("'", "\\'")
    return f"host='{escaped}' port={port}"


def _is_meant(module: LoadedModule, found: Found) -> bool:
    """Tell whether a login may be sent to a database: by what this machine calls it, never by what it calls itself."""
    return not module.targets or any(fnmatchcase(name, pattern.lower()) for pattern in module.targets for name in _names(found))


def _names(found: Found) -> Iterator[str]:
    """Yield by what patterns may mean a database, in lower case: a container's name, its image, where it is reached.

    What a process is called counts for nothing: anybody may call theirs like a server.
    """
    known = (found.place if found.origin == "container" else "", found.image, *found.addresses)
    hosts = (host for host, port in map(split, found.addresses) if port)
    yield from (word.lower() for word in (*known, *hosts) if word)


def _first_name(found: Found) -> str:
    return found.place if found.origin == "container" else found.addresses[0]


def _or_labels(found: Found) -> str:
    return ", or to the container the labels tocsin.user and tocsin.password_file" if found.origin == "container" else ""


def _label_file(label: str, found: Found, config: Config) -> Path:
    """Return the file that a label names, if it lies in the folder for them. Raises Lacking; nothing outside of the folder is looked at."""
    folder, said = config.discovery.label_files, found.hints[label]
    what = f"the file of the label tocsin.{label}"
    if folder is None:
        raise Lacking(f"{what}: files named by labels are refused; give the folder that they lie in as discovery.label_files")
    try:
        path = Path(os.path.normpath(folder / said))
        outside = not path.is_relative_to(os.path.normpath(folder))
        real = path if outside else path.resolve(strict=True)
        if outside or not real.is_relative_to(folder.resolve(strict=True)):
            raise Lacking(f"{what}: {_shown(said)} does not lie in {folder} (discovery.label_files); put it there")
        if not stat.S_ISREG(real.stat().st_mode):
            raise Lacking(f"{what}: {_shown(said)} is no plain file")
    except OSError as error:
        raise Lacking(f"{what}: {_shown(said)} cannot be read: {error.strerror}") from error
    except (ValueError, RuntimeError) as error:  # a name that no system call takes; links that go round
        raise Lacking(f"{what}: {_shown(said)} is no name of a file") from error
    if not os.access(real, os.R_OK):
        raise Lacking(f"{what}: {_shown(said)} cannot be read: Permission denied; let the exporter's user read it")
    return real


def _shown(text: str) -> str:
    return one_line(text)[:_LONGEST_VALUE]
