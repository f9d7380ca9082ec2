# Makes an etcd that systemd runs, as kubespray has it: an environment file, a user of its own, TLS for everybody.
# $1: the ExecStart of its unit.
mkdir -p /etc/ssl/etcd /etc/systemd/system/etcd.service.d
cd /etc/ssl/etcd
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca-key.pem -out ca.pem -subj /CN=etcd-ca -days 2
printf '%s\n' subjectAltName=IP:127.0.0.1 extendedKeyUsage=serverAuth,clientAuth > extensions
for name in member admin; do
  openssl req -newkey rsa:2048 -nodes -keyout "$name-key.pem" -out "$name.csr" -subj "/CN=$name"
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -out "$name.pem" -days 2 -extfile extensions
done
id etcd || useradd --system --home-dir /var/lib/etcd --shell /usr/sbin/nologin etcd
chown -R etcd: /var/lib/etcd .
chmod 700 .
cat > /etc/etcd.env <<'ENVIRONMENT'
# Environment file for etcd
ETCD_DATA_DIR=/var/lib/etcd/data
ETCD_LISTEN_CLIENT_URLS="https://127.0.0.1:2379"
ETCD_ADVERTISE_CLIENT_URLS=https://127.0.0.1:2379
ETCD_LISTEN_PEER_URLS=https://127.0.0.1:2380
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://127.0.0.1:2380
ETCD_INITIAL_CLUSTER=etcd1=https://127.0.0.1:2380

; TLS
ETCD_TRUSTED_CA_FILE='/etc/ssl/etcd/ca.pem'
ETCD_CERT_FILE=/etc/ssl/etcd/member.pem
ETCD_KEY_FILE=/etc/ssl/etcd/member-key.pem
ETCD_CLIENT_CERT_AUTH=true
ETCD_PEER_TRUSTED_CA_FILE=/etc/ssl/etcd/ca.pem
ETCD_PEER_CERT_FILE=/etc/ssl/etcd/member.pem
ETCD_PEER_KEY_FILE=/etc/ssl/etcd/member-key.pem
ETCDCTL_CERT=/etc/ssl/etcd/admin.pem
ETCDCTL_KEY=/etc/ssl/etcd/admin-key.pem
MEMBER=etcd1
SEVERAL=--name etcd1 --heartbeat-interval=250
QUOTE=it's not closed
ENVIRONMENT
chmod 640 /etc/etcd.env
cat > /etc/systemd/system/etcd.service <<UNIT
[Service]
Type=notify
NotifyAccess=all
User=etcd
EnvironmentFile=/etc/etcd.env
EnvironmentFile=-/etc/default/etcd
Environment="ETCD_LOG_LEVEL=warn" GOGC=80
ExecStart=$1
UNIT
printf '[Service]\nEnvironment=ETCD_ELECTION_TIMEOUT=5000\n' > /etc/systemd/system/etcd.service.d/10-tuning.conf
systemctl daemon-reload
systemctl restart etcd
