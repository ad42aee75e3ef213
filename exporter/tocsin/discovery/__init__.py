"""Finding databases that no configuration lists: in containers, behind sockets of local processes, in files."""
