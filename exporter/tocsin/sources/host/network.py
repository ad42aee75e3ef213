"""What is read of the host's network: interfaces, protocols, sockets, and connections that the packet filter tracks."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from tocsin.errors import Unsupported
from tocsin.source import Run
from tocsin.sources.host import metrics as m
from tocsin.sources.host.session import HostSession, names_in, peek, peek_number

_PAGE = os.sysconf("SC_PAGE_SIZE")
_IFF_UP = 1
_MEGABIT = 125_000


def collect_netdev(session: HostSession, run: Run) -> None:
    """Emit what interfaces have carried."""
    for line in session.read_network("dev").splitlines()[2:]:
        name, _, numbers = line.rpartition(":")
        device = name.strip()
        if session.skip_interface(device):
            continue
        for metric, number in zip(m.NETWORK.values(), numbers.split(), strict=False):
            run.emit(metric, int(number), (device,))
        run.emit(m.NETWORK_NOHANDLER, peek_number(f"{session.sys}/class/net/{device}/statistics/rx_nohandler"), (device,))


def collect_netclass(session: HostSession, run: Run) -> None:
    """Emit state and properties of interfaces; what an interface does not have is absent."""
    root = f"{session.sys}/class/net"
    for device in names_in(root):
        folder = f"{root}/{device}"
        flags = peek_number(f"{folder}/flags")
        if flags is None or session.skip_interface(device):  # bonding_masters is a file among the interfaces
            continue
        labels = (device,)
        for name, metric in m.NETWORK_CLASS.items():
            run.emit(metric, peek_number(f"{folder}/{name}"), labels)
        run.emit(m.NETWORK_FLAGS, flags, labels)
        speed = peek_number(f"{folder}/speed")
        run.emit(m.NETWORK_SPEED, None if speed is None else speed * _MEGABIT, labels)
        state = peek(f"{folder}/operstate") or ""
        run.emit(m.NETWORK_UP, int(state == "up"), labels)
        address, broadcast, duplex, alias = (peek(f"{folder}/{name}") or "" for name in ("address", "broadcast", "duplex", "ifalias"))
        run.emit(m.NETWORK_INFO, 1, (device, address, broadcast, duplex, state, "up" if flags & _IFF_UP else "down", alias))


_NETSTAT = re.compile(
    r".*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)"
    r"|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)"
    r"|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)"
    r"|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors)"
)
"""node_exporter's default: of some 350 counters those that somebody looks at."""


def collect_netstat(session: HostSession, run: Run) -> None:
    """Emit the chosen counters of the protocols."""
    for protocol, field, number in _protocol_counters(session):
        name = f"{protocol}_{field}"
        if _NETSTAT.fullmatch(name):
            run.emit(m.NETSTAT.metric(f"node_netstat_{name}", f"{field} of {protocol} in /proc/net."), int(number))


def _protocol_counters(session: HostSession) -> Iterator[tuple[str, str, str]]:
    for file in ("netstat", "snmp"):
        lines = session.read_network(file).splitlines()
        for titles, numbers in zip(lines[::2], lines[1::2], strict=False):
            protocol, *fields = titles.split()
            for field, number in zip(fields, numbers.split()[1:], strict=False):
                yield protocol.rstrip(":"), field, number
    try:
        text = session.read_network("snmp6")
    except Unsupported:  # a kernel without IPv6
        return
    for line in text.splitlines():
        word, number = line.split()
        protocol, six, field = word.partition("6")
        yield protocol + six, field, number


def collect_sockstat(session: HostSession, run: Run) -> None:
    """Emit sockets in use, and the memory that they hold."""
    for file in ("sockstat", "sockstat6"):
        try:
            text = session.read_network(file)
        except Unsupported:
            if file == "sockstat":
                raise
            continue
        for line in text.splitlines():
            protocol, *words = line.replace(":", "").split()
            for field, number in zip(words[::2], words[1::2], strict=False):
                name = f"node_sockstat_{protocol}_{field}"
                run.emit(m.SOCKSTAT.metric(name, f"{field} of {protocol} in /proc/net/{file}."), int(number))
                if field == "mem":
                    run.emit(m.SOCKSTAT.metric(f"{name}_bytes", f"Memory of {protocol} sockets."), int(number) * _PAGE)


_CPU_COLUMN = 12


def collect_softnet(session: HostSession, run: Run) -> None:
    """Emit how processors keep up with packets."""
    for i, line in enumerate(session.read_network("softnet_stat").splitlines()):
        numbers = [int(word, 16) for word in line.split()]
        cpu = str(numbers[_CPU_COLUMN] if len(numbers) > _CPU_COLUMN else i)
        for column, metric in m.SOFTNET.items():
            if column < len(numbers):
                run.emit(metric, numbers[column], (cpu,))


def collect_conntrack(session: HostSession, run: Run) -> None:
    """Emit connections that the packet filter tracks. Raises Unsupported where it tracks none, or where that is not ours to see."""
    if not session.is_of_host_network():
        raise Unsupported(f"{session.options.name}: what the packet filter tracks can be read from within the host's network alone")
    run.emit(m.CONNTRACK, int(session.read("sys/net/netfilter/nf_conntrack_count")))
    run.emit(m.CONNTRACK_LIMIT, int(session.read("sys/net/netfilter/nf_conntrack_max")))
    titles, *lines = session.read_network("stat/nf_conntrack").splitlines()
    rows = [[int(word, 16) for word in line.split()] for line in lines]
    for column, title in enumerate(titles.split()):
        metric = m.CONNTRACK_STATS.get(title)
        if metric is not None:
            run.emit(metric, sum(row[column] for row in rows if column < len(row)))
