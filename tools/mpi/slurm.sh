#!/usr/bin/env bash
# A Slurm of Debian's packages whose nodes are hosts of namespaces.sh, for jobs as a cluster runs them. Linux, root.
# Slurm takes each for a machine with 8 processors and 4 GPUs.
#
#   slurm.sh up 2           nodes llr-1 and llr-2; apt-get install slurmctld slurmd slurm-client munge before
#   slurm.sh job FILE…      sbatch on the first of them; waits for its end and shows what it printed
#   slurm.sh down           ends it and removes the hosts
#
# LLR_HOSTS, as for namespaces.sh. SLURM_FOLDER is where configuration, state and logs are (default: in /tmp).
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
name=${LLR_HOSTS:-llr}
folder=${SLURM_FOLDER:-/tmp/$name-slurm}
export SLURM_CONF=$folder/slurm.conf

on() { "$here/namespaces.sh" run "$@"; }

configure() {
  mkdir -p "$folder"/{state,log}
  cat >"$SLURM_CONF" <<END
ClusterName=$name
SlurmctldHost=$name-1
SlurmUser=root
SlurmdUser=root
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd-%n.pid
SlurmdSpoolDir=$folder/spool-%n
StateSaveLocation=$folder/state
SlurmctldLogFile=$folder/log/slurmctld
SlurmdLogFile=$folder/log/slurmd-%n
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName=$name-[1-$1] CPUs=8 Gres=gpu:4
PartitionName=all Nodes=ALL Default=YES
END
  # Nobody opens them: Slurm hands out their numbers.
  local i
  for i in {0..3}; do mknod "$folder/gpu$i" c 195 "$i"; done
  echo "Name=gpu File=$folder/gpu[0-3]" >"$folder/gres.conf"
  echo 'CgroupPlugin=cgroup/v1' >"$folder/cgroup.conf"
}

# Users are told from each other by munge, which one process does for all hosts: its socket is a file.
munge_runs() {
  munge --no-input >/dev/null 2>&1 && return
  mkdir -p /run/munge
  chown munge: /run/munge
  runuser --user munge -- munged --pid-file=/run/munge/"$name".pid
}

up() {
  local count=$1 i
  "$here/namespaces.sh" up "$count"
  configure "$count"
  munge_runs
  on "$name-1" slurmctld
  for ((i = 1; i <= count; i++)); do on "$name-$i" slurmd -N "$name-$i"; done
  for ((i = 0; i < 100; i++)); do
    if [ "$(on "$name-1" sinfo --noheader --states=idle --format=%D)" = "$count" ]; then return; fi
    sleep 0.2
  done
  echo 'The nodes of Slurm did not come up:' >&2
  cat "$folder"/log/* >&2
  return 1
}

job() {
  local status=0
  on "$name-1" sbatch --wait --output="$folder/output" "$@" || status=$?
  cat "$folder/output"
  return "$status"
}

down() {
  local file
  for file in "$folder"/slurm*.pid; do
    [ -e "$file" ] || continue
    local pid
    pid=$(cat "$file")
    kill "$pid" || true
    timeout 20 tail --pid="$pid" -f /dev/null || kill -9 "$pid" || true
  done
  if [ -e "/run/munge/$name.pid" ]; then kill "$(cat "/run/munge/$name.pid")"; fi
  "$here/namespaces.sh" down
  rm -rf "$folder"
}

case ${1-} in
  up | job | down) "$@" ;;
  *) sed -n '2,/^set/p' "$0" | grep '^#' ;;
esac
