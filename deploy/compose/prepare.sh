#!/bin/sh
# Makes the passwords that compose.yaml reads, once: secrets/. What is there stays.
set -eu
cd "$(dirname "$0")"
mkdir -p secrets
random() { od -An -N12 -tx1 /dev/urandom | tr -d ' \n'; }
once() { [ -s "secrets/$1" ] || printf '%s\n' "$2" > "secrets/$1"; }

once enrollment-password "$(random)"
once admin-token "$(random)"
once grafana-password "$(random)"
: > secrets/users.csv
for user in a c d e f pstn; do
  once "phone-$user" "$(random)"
  printf '%s,%s\n' "$user" "$(cat "secrets/phone-$user")" >> secrets/users.csv
done
# Containers read them as another user.
chmod 755 secrets
chmod 644 secrets/*
echo "secrets/: passwords of the phones a, c, d, e, f and pstn, of Grafana, enrollment and the admin API"
