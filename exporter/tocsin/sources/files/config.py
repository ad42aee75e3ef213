"""The options of a files target: which files, and what of them."""

from __future__ import annotations

from dataclasses import dataclass

from tocsin.options import Duration, LocalOptions, Size, option

GROWS = ("*.log", "*_log", "*.out", "*.err", "syslog", "messages", "/var/log/**")
DIFF = (
    "*.conf", "*.cnf", "*.cfg", "*.config", "*.ini", "*.yaml", "*.yml", "*.json", "*.toml", "*.env", "*.properties", "*.xml", "*.rules",
    "*.service", "*.timer", "*.socket", "*.list", "*.repo", "*.htaccess", "*.sql", "*.sh", "*.tf", "*.hcl",
    "crontab", "fstab", "hosts", "passwd", "group", "sshd_config", "ssh_config", "Caddyfile", "Dockerfile",
)  # fmt: skip
EXCLUDE = (".*.sw?", ".*.swpx", "*~", ".#*", "#*#", "4913")


def _are_paths(paths: tuple[str, ...]) -> str | None:
    good = bool(paths) and all(path.startswith("/") and "\0" not in path and "//" not in path for path in paths)
    return None if good else "absolute paths, at least one"


def _positive(number: float) -> str | None:
    return None if number > 0 else "more than 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOptions(LocalOptions):
    paths: tuple[str, ...] = option(
        help="what to watch: files, directories with all below them, and patterns, in which `**` stands for any number of directories; "
        "below the part without `*` links to files are followed, to directories not",
        check=_are_paths,
        example=("/etc/app/**/*.yaml", "/srv/app"),
    )
    exclude: tuple[str, ...] = option(EXCLUDE, help="names, or with a `/` paths, to leave out, as patterns; a directory with all below it")
    grows: tuple[str, ...] = option(GROWS, help="logs, as names or paths: what is appended is no event, what is lost is one")
    diff: tuple[str, ...] = option(DIFF, help="text files whose events show what changed, secrets masked, as names or paths")
    diff_up_to: Size = option(Size(128 * 1024), help="larger files have events without it")
    depth: int = option(32, help="directories below the part of a path without `*` that are looked into", check=_positive)
    most_files: int = option(200_000, help="most files and directories that are watched; the rest is left out and said so", check=_positive)
    most_series: int = option(200, help="files with series of their own; the others are summed up by path")
    hash_up_to: Size = option(Size(64 * 2**20), help="larger files are compared by size and times alone")
    read_rate: Size = option(Size(32 * 2**20), help="most bytes a second that are read for digests, in the long run", check=_positive)
    rehash_every: Duration = option(
        Duration(86400), help="read unchanged files again after so long, in case their times were forged", check=_positive
    )
    look_every: Duration = option(
        Duration(300), help="look at directories again after so long even if the kernel has told of nothing", check=_positive
    )
    events_per_hour: int = option(
        12, help="events of one file in an hour; what changes more often is counted until it is quiet", check=_positive
    )
    patience: Duration = option(
        Duration(2.0),
        help="how long a file system of another machine or program may take for an answer before it counts as hung",
        check=lambda seconds: None if 0.05 <= seconds <= 60 else "between 50ms and 1m",
    )

    @property
    def address(self) -> str:
        more = len(self.paths) - 1
        return self.paths[0] + (f" and {more} more" if more else "")
