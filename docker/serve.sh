#!/bin/sh
# The server of compose.yaml: two users, every listener open to the services' network. What the others
# need, the certificate and the ready line, goes to /public.
set -eu
data=/var/lib/beckon
printf 'wonderland\n' | beckond user add alice@example.org --data "$data" || true
printf 'looking-glass\n' | beckond user add bob@example.org --data "$data" || true
rm -f /public/ready
beckond run --data "$data" --domain example.org --advertise beckond \
  --listen udp:0.0.0.0:5060 --listen tcp:0.0.0.0:5060 --listen tls:0.0.0.0:5061 --listen https:0.0.0.0:5443 \
  --listen stun:0.0.0.0:3478 | while read -r line; do
  cp "$data/cert.pem" /public/cert.pem
  chmod a+r /public/cert.pem
  printf '%s\n' "$line" | tee /public/ready
done
