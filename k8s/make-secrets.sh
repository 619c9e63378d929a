#!/bin/sh
# Makes what no repository may hold: keys of the services for NATS, a CA with NATS's certificate, a certificate of its own
# for SMTP (in production cert-manager's takes its place), and the file of users, empty.
# usage: k8s/make-secrets.sh OVERLAY [SHARDS [HOSTNAME]]   e.g. k8s/make-secrets.sh k8s/overlays/production 8 mx.example.org
set -eu
umask 077
overlay=$1
shards=${2:-8}
hostname=${3:-$(sed -n 's/^hostname: *//p' "$overlay/site.yaml")}
out=$overlay/secrets
[ ! -e "$out" ] || { echo "$out is there already: new keys would lock the running services out; move it away first" >&2; exit 1; }
node "${POSTRIDER_PROGRAM:-$(dirname "$0")/../services/cli/bin/postrider.js}" cluster keys "$out" --shards "$shards"
mkdir -p "$out/tls" "$out/smtp-tls" "$out/smtp-users"
: > "$out/smtp-users/users"
cd "$out/tls"
# Each server by its name: Node takes no wildcard right under a top label, as *.nats is. NATS_NAMES: more, as DNS:nats-3.nats
names="DNS:nats,DNS:nats-0.nats,DNS:nats-1.nats,DNS:nats-2.nats,DNS:nats.postrider.svc,DNS:*.nats.postrider.svc,DNS:*.nats.postrider.svc.cluster.local${NATS_NAMES:+,$NATS_NAMES}"
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -days 3650 -subj "/CN=Postrider NATS CA" -out ca.crt
openssl ecparam -name prime256v1 -genkey -noout -out tls.key
openssl req -new -key tls.key -subj "/CN=nats" -out tls.csr
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" > ext
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile ext -out tls.crt 2>/dev/null
rm -f tls.csr ext ca.srl
cd ../smtp-tls
openssl ecparam -name prime256v1 -genkey -noout -out tls.key
openssl req -x509 -new -key tls.key -days 365 -subj "/CN=$hostname" -addext "subjectAltName=DNS:$hostname" -out tls.crt
echo "$out/tls: a CA (keep ca.key elsewhere) and NATS's certificate for 825 days"
