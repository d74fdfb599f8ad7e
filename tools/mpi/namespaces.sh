#!/usr/bin/env bash
# Hosts on one machine: network namespaces joined by a switch, each with its own name, address and shared memory,
# that share the disk, as the nodes of a cluster do. Linux, root. Nothing is changed in the machine's own network.
#
#   namespaces.sh up 3              hosts llr-1, llr-2, llr-3
#   namespaces.sh run llr-1 COMMAND…  runs a command on one of them
#   namespaces.sh down              removes them
#
# As the launch agent of mpirun it stands in for ssh ("AGENT [-options] HOST COMMAND…"):
#
#   namespaces.sh run llr-1 mpirun --host llr-1,llr-2 --mca plm_rsh_agent $PWD/namespaces.sh COMMAND…      Open MPI
#   namespaces.sh run llr-1 mpirun -hosts llr-1,llr-2 -launcher ssh -launcher-exec $PWD/namespaces.sh COMMAND…   MPICH
#
# LLR_HOSTS is the first part of the names (default: llr), so that several such networks can be there at once.
set -euo pipefail

name=${LLR_HOSTS:-llr}
network=192.0.2 # set aside for documentation (RFC 5737): no host of the world is there
switch=$name-switch

up() {
  local count=$1 host i hosts
  hosts=$(for ((i = 1; i <= count; i++)); do echo "$network.$i $name-$i"; done)
  ip netns add "$switch"
  ip -n "$switch" link add bridge type bridge
  ip -n "$switch" link set bridge up
  for ((i = 1; i <= count; i++)); do
    host=$name-$i
    ip netns add "$host"
    mkdir -p "/etc/netns/$host"
    printf '127.0.0.1 localhost\n%s\n' "$hosts" >"/etc/netns/$host/hosts"
    ip -n "$host" link add eth0 type veth peer name "port$i" netns "$switch"
    ip -n "$switch" link set "port$i" master bridge up
    ip -n "$host" address add "$network.$i/24" dev eth0
    ip -n "$host" link set eth0 up
    ip -n "$host" link set lo up
  done
}

down() {
  local host
  for host in $(ip netns list | cut -d ' ' -f 1 | grep -E "^$name-([0-9]+|switch)$"); do
    ip netns delete "$host"
    rm -rf "/etc/netns/$host"
  done
}

# run HOST COMMAND…: with a host name and shared memory of its own. `ip netns exec` gives it a mount namespace.
run() {
  local host=$1
  shift
  exec ip netns exec "$host" unshare --uts sh -c '
    hostname "$0" && mount -t tmpfs tmpfs /dev/shm && exec "$@"' "$host" "$@"
}

# As ssh does, it passes on neither options nor the environment.
agent() {
  while [[ $1 == -* ]]; do shift; done
  local host=$1
  shift
  run "$host" env -i HOME="$HOME" PATH="$PATH" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 sh -c "$*"
}

case ${1-} in
  up | down | run) "$@" ;;
  '') sed -n '2,/^set/p' "$0" | grep '^#' ;;
  *) agent "$@" ;;
esac
