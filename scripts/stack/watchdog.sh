#!/bin/sh
# Ends every process of a stack when the process that started the stack is gone, however it ended.
# $1 is the stack's folder; standard input is a pipe that nobody writes to and that closes with the owner.
cat >/dev/null
[ -f "$1/pids" ] || exit 0

ours() {
  if [ -r "/proc/$1/cmdline" ]; then tr '\0' ' ' <"/proc/$1/cmdline" | grep -qF -- "$2"
  else ps -ww -o command= -p "$1" 2>/dev/null | grep -qF -- "$2"; fi
}
signal() {
  while read -r pid mark; do
    ours "$pid" "$mark" && { kill "-$1" "-$pid" 2>/dev/null || kill "-$1" "$pid" 2>/dev/null; }
  done <"$2/pids"
  return 0
}
anyone() {
  while read -r pid mark; do ours "$pid" "$mark" && return 0; done <"$1/pids"
  return 1
}

signal INT "$1"
tries=0
while anyone "$1" && [ "$tries" -lt 20 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
signal KILL "$1"
