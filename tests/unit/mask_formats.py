"""Secrets as the configuration formats, commands and appliances in use hold them, and lines of the same formats that hold none."""

from __future__ import annotations

from mask_corpus import S, capitals, digits, letters

T = "staple"
"""A secret that is a word of a language: only where it stands tells what it is."""

# fmt: off
FORMATS: dict[str, tuple[str, ...]] = {
    # name: the text, and what must not survive
    "argv json": (f'command: ["server", "--password", "{S}", "--port", "5"]\n', S),
    "argv python": (f"args = ['--api-key', '{S}']", S),
    "argv docker CMD": (f'CMD ["redis-server", "--requirepass", "{S}"]', S),
    "argv json lines": (f'"args": [\n  "--password",\n  "{S}",\n  "--port"\n]', S),
    "argv yaml": (f"args:\n  - --password\n  - {S}\n  - --port\n", S),
    "argv yaml quoted": (f'args:\n- "--password"\n- "{S}"\n- "--port"\n', S),
    "requirepass": (f"redis-server --requirepass {S} --port 5\n", S),
    "requirepass yaml": (f"command: redis-server --requirepass {S}\n", S),
    "ldap": (f"ldap_default_authtok = {S}\n", S),
    "cisco snmp": (f"snmp-server community {S} RO\n", S),
    "cont": (f"cmd \\\n  --password \\\n  {S} \\\n  --port 5\n", S),
    "comment between": (f"env:\n  - name: DB_PASSWORD\n    # comment\n    value: {S}\n", S),
    "keepalived": (f"authentication {{\n  auth_type PASS\n  auth_pass {S}\n}}\n", S),
    "keepalived one line": (f"authentication {{ auth_type PASS auth_pass {S} }}\n", S),
    "keepalived brace": (f"  auth_pass {S} }}\n", S),
    "enable secret": (f"enable secret 5 {S}\n", S),
    "enable secret 0": (f"enable secret {S}\n", S),
    "enable password 7": (f"enable password 7 {S}\n", S),
    "username secret": (f"username admin privilege 15 secret 9 {S}\n", S),
    "username password": (f"username admin password 7 {S}\n", S),
    "basic_auth_users": (f"basic_auth_users:\n  admin: {S}\n  bob: {T}\n", S, T),
    "setting xml": (f'<setting name="ApiSecret" serializeAs="String">\n  <value>{S}</value>\n</setting>', S),
    "setting xml1": (f'<setting name="ApiSecret"><value>{S}</value></setting>', S),
    "aws configure": (f"aws configure set aws_secret_access_key {S}\n", S),
    "aws configure prof": (f"aws configure set profile.x.aws_secret_access_key {S} --profile x\n", S),
    "pap": (f'# Secrets for authentication using PAP\n# client\tserver\tsecret\tIP addresses\nbob\t*\t{S}\t*\n', S),
    "chap": (f'# client        server  secret                  IP addresses\n"bob"  *  "{S}"  10.0.0.1\n', S),
    "pap headless": (f'bob * {S} *\n', S),
    "chpasswd": (f"echo 'u:{S}' | chpasswd\n", S),
    "chpasswd e": (f'echo "root:{S}" | sudo chpasswd -e\n', S),
    "chpasswd <<<": (f'chpasswd <<< "root:{S}"\n', S),
    "chpasswd heredoc": (f'chpasswd <<EOF\nroot:{S}\nbob:{T}\nEOF\nls\n', S, T),
    "http_auth": (f"http_auth: [user, {S}]\n", S),
    "http_auth py": (f"Elasticsearch(http_auth=('user', '{S}'))\n", S),
    "openvpn": (
        "#\n# 2048 bit OpenVPN static key\n#\n-----BEGIN OpenVPN Static key V1-----\n"+digits(32)+"\n"+digits(32)+"\n"
        "-----END OpenVPN Static key V1-----\n", digits(32)
    ),
    "openvpn inline": (
        "<tls-auth>\n-----BEGIN OpenVPN Static key V1-----\n"+digits(32)+"\n-----END OpenVPN Static key V1-----\n"
        "</tls-auth>\n", digits(32)
    ),
    "inline map": (f"secrets: {{a: {{b: {S}}}}}\n", S),
    "inline map1": (f"secrets: {{a: {S}, b: '{T}'}}\n", S, T),
    "inline json": (f'{{"secrets": {{"a": {{"b": "{S}"}}, "c": "{T}"}}, "d": 1}}', S, T),
    "inline json lines": (f'{{"credentials": {{\n  "a": {{\n    "b": "{S}"\n  }}\n}}, "d": 1}}', S),
    "key desc value": (f'{{"key":"db_password","description":"d","value":"{S}"}}', S),
    "key desc value lines": (f'{{\n  "key": "db_password",\n  "description": "d",\n  "type": "x",\n  "value": "{S}"\n}}', S),
    "sql comment": (f"COMMENT ON TABLE t IS 'password is {S} for the old one';", S),
    "sql comment2": (f"COMMENT ON TABLE t IS 'The password is: {S}';", S),
    "sql comment in lower case": ("COMMENT ON TABLE t IS 'password is hunter2 for the old one, hunter2x for the new';", "hunter2 "),
    "bare comment": (f"password is {S} for the old one", S),
    "line comment": (f"-- password is {S}", S),
    "pw: in sentence": (f"login with user bob, password {S}", S),
    "recovery": (f"primary_conninfo = 'user=replica password={S} channel_binding=prefer host=1.2.3.4'\nrestore_command = 'cp x'\n", S),
    "pgbouncer db": (f"shop = host=127.0.0.1 auth_user=x password={S} port=6\n", S),
    "my.cnf": (f"[client]\nuser=root\npassword=\"{S}\"\n", S),
    "my.cnf loose": (f"[mysqld]\nloose-keyring_hashicorp_token = {S}\nwsrep_sst_auth=sst:{S}\n", S),
    "mysql replication": (f"report-password={S}\n", S),
    "redis.conf tls": (f"tls-key-file-pass {S}\nmasterauth {S}\n", S),
    "rabbit conf": (f"default_user = x\ndefault_pass = {S}\n", S),
    "rabbit adv": (f'[{{rabbit, [{{default_user, <<"x">>}}, {{default_pass, <<"{S}">>}}]}}].', S),
    "erlang cookie arg": (f"RABBITMQ_ERLANG_COOKIE='{S}'\n", S),
    "setcookie": (f"-setcookie {S}\n", S),
    "rabbit definitions": (f'{{"users":[{{"name":"x","password_hash":"{letters(48)}","tags":""}}]}}', letters(48)),
    "mongod ldap": (f"security:\n  ldap:\n    bind:\n      queryUser: x\n      queryPassword: {S}\n", S),
    "mongo createUser": (f'db.createUser({{user: "x", pwd: "{S}", roles: []}})', S),
    "mongo cli": (f"mongo --username x --password {S} --authenticationDatabase admin", S),
    "haproxy userlist": (
        f"userlist u\n  user a password $5$abcdefgh${letters(43)}\n  user b insecure-password {S} groups g\n", letters(43), S
    ),
    "traefik basicauth label": (f'- "traefik.http.middlewares.a.basicauth.users=bob:$$apr1$$abcdefgh$${letters(22)}"\n', letters(22)),
    "traefik users": (f'basicAuth:\n  users:\n    - "bob:$apr1$abcdefgh${letters(22)}"\n', letters(22)),
    "grafana": (f"[security]\nadmin_user = a\nadmin_password = {S}\nsecret_key = {S}\n[smtp]\npassword = \"\"\"#{S};\"\"\"\n", S),
    "grafana ds": (f"secureJsonData:\n  httpHeaderValue1: 'Bearer {S}'\n  basicAuthPassword: {S}\n", S),
    "grafana ds json": (f'"secureJsonData": {{"tlsClientKey": "{S}", "httpHeaderValue1": "{S}"}}', S),
    "alertmanager": (
        f"global:\n  smtp_auth_password: '{S}'\n  slack_api_url: 'https://hooks.slack.com/services/T0/B0/{letters(24)}'\n"
        f"receivers:\n- pagerduty_configs:\n  - routing_key: {S}\n    service_key: {S}\n  opsgenie_configs:\n"
        f"  - api_key: {S}\n  pushover_configs:\n  - user_key: {letters(30)}\n    token: {S}\n  telegram_configs:\n"
        f"  - bot_token: {S}\n", S, letters(30), letters(24)
    ),
    "prom remote": (
        f"remote_write:\n- url: https://x\n  basic_auth:\n    username: a\n    password: {S}\n  sigv4:\n"
        f"    access_key: x\n    secret_key: {S}\n  authorization:\n    type: Bearer\n    credentials: {S}\n  oauth2:\n"
        f"    client_secret: {S}\n", S
    ),
    "prom bearer": (f"bearer_token: {S}\n", S),
    "prom web": (f"basic_auth_users:\n  admin: $2y$10${letters(53)}\n", letters(53)),
    "docker config": (f'{{"auths":{{"x":{{"auth":"Ym9iOnN0YXBsZXN0YXBsZQ==","identitytoken":"{S}"}}}}}}', S, "Ym9iOnN0YXBsZXN0YXBsZQ"),
    "kubeconfig": (
        f"users:\n- name: x\n  user:\n    client-certificate-data: AAA\n    client-key-data: {letters(80)}\n"
        f"    token: {S}\n    password: {S}\n", letters(80), S
    ),
    "k8s secret dockerconfig": (
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/dockerconfigjson\ndata:\n"
        f"  .dockerconfigjson: {letters(40)}\n", letters(40)
    ),
    "tfvars": (f'db_password = "{S}"\nsecrets = {{\n  a = "{S}"\n  b = "{T}"\n}}\n', S, T),
    "tfvars map": (f'api_keys = {{ a = "{S}" }}\n', S),
    "tfstate": (
        f'{{"type":"random_password","name":"db","instances":[{{"attributes":'
        f'{{"bcrypt_hash":"$2a$10${letters(53)}","result":"{S}","length":16}}}}]}}', letters(53), S
    ),
    "tfstate lines": (
        f'{{\n "type": "random_password",\n "name": "db",\n "instances": [\n  {{\n   "attributes": {{\n'
        f'    "id": "none",\n    "result": "{S}"\n   }}\n  }}\n ]\n}}', S
    ),
    "tf outputs": (f'"outputs": {{"admin_password": {{"value": "{S}", "type": "string", "sensitive": true}}}}', S),
    "ansible inv": (f"web1 ansible_host=1.2.3.4 ansible_user=x ansible_ssh_pass={S} ansible_become_pass='{T}'\n", S, T),
    "npmrc": (
        f"//registry.npmjs.org/:_authToken={S}\n//x/:_password={letters(20)}\n_auth=Ym9iOnN0YXBsZXN0YXBsZQ==\n"
        "", S, letters(20), "Ym9iOnN0YXBsZXN0YXBsZQ"
    ),
    "yarnrc": (f'npmAuthToken: "{S}"\nnpmAuthIdent: "bob:{T}"\n', S, T),
    "pypirc": (f"[pypi]\nusername = x\npassword = {S}\n", S),
    "pip": (f"[global]\nindex-url = https://bob:{S}@pypi.x/simple\n", S),
    "git-cred": (f"https://bob:{S}@github.com\n", S),
    "wpa": (
        f'network={{\n  ssid="x"\n  psk={digits(64)}\n  #psk="{S}"\n  password="{S}"\n  private_key_passwd="{S}"\n'
        f'  wep_key0="{S}"\n  sae_password="{S}"\n}}\n', digits(64), S
    ),
    "wep": (f"wep_key0={S}\n", S),
    "nm": (f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={S}\nwep-key0={S}\n[vpn-secrets]\nfoo={S}\n", S),
    "hostapd": (f"wpa_passphrase={S}\nwpa_psk={digits(64)}\nauth_server_shared_secret={S}\n", S, digits(64)),
    "wireguard": (f"PresharedKey={letters(43)}=\n", letters(43)),
    "ipsec": (f'1.2.3.4 5.6.7.8 : PSK "{S}"\nbob : EAP "{S}"\n: RSA k.pem "{T}"\n%any : PSK {letters(20)}\n', S, T, letters(20)),
    "ipsec xauth": (f'bob : XAUTH "{S}"\n', S),
    "swanctl": (f'secrets {{\n  ike-1 {{\n    id = x\n    secret = "{S}"\n  }}\n  eap-x {{ secret = {S} }}\n}}\n', S),
    "smbcred": (f"username=bob\npassword={S}\ndomain=x\n", S),
    "cifs fstab": (f"//srv/x /mnt cifs username=bob,password={S},uid=0 0 0\n", S),
    "cifs fstab short": (f"//srv/x /mnt cifs user=bob,pass={S},uid=0 0 0\n", S),
    "sasl_passwd": (f"smtp.gmail.com:587 bob@x.org:{S}\n", S),
    "exim passwd.client": (f"*.google.com:bob@x.org:{S}\n", S),
    "exim auth": (f"  client_send = : bob : {S}\n", S),
    "exim hide": (f"hide mysql_servers = localhost/db/bob/{S}\n", S),
    "dovecot sql": (f"connect = host=localhost dbname=m user=x password={S}\n", S),
    "dovecot users": (f"bob:{{PLAIN}}{S}:1000:1000::/home/bob::\n", S),
    "dovecot ldap dnpass": (f"dnpass = {S}\n", S),
    "doveadm": (f"doveadm_password = {S}\n", S),
    "wp config": (f"define( 'DB_PASSWORD', \"{S}\");\ndefine('NONCE_SALT', '{T}');\n$table_prefix='wp_';", S, T),
    "mysqli": (f'$db = new mysqli("localhost", "bob", "{S}", "shop");', S),
    "mysql_connect": (f"mysql_connect('localhost', 'bob', '{S}');", S),
    "PDO": (f"new PDO('mysql:host=x;dbname=y', 'bob', '{S}');", S),
    "laravel env": (f"MAIL_PASSWORD={S}\nPUSHER_APP_SECRET={S}\nAPP_KEY=base64:{letters(43)}=\n", S, letters(43)),
    "rails cred key": (f"RAILS_MASTER_KEY={digits(32)}\n", digits(32)),
    "rails db yml": (f"production:\n  password: <%= ENV['X'] || '{S}' %>\n", S),
    "rails secret": (f"Rails.application.config.secret_key_base = '{S}'\n", S),
    "devise": (f"config.secret_key = '{S}'\nconfig.pepper = '{T}'\n", S, T),
    "spring": (
        f"spring:\n  datasource:\n    password: {S}\n  mail:\n    properties: {{}}\nserver:\n  ssl:\n"
        f"    key-store-password: {S}\n    trust-store-password: {S}\njwt.secret: {S}\n", S
    ),
    "spring enc": (f"password=ENC({letters(20)})\n", letters(20)),
    "tomcat": (f'<Connector keystorePass="{S}" keyPass="{T}"/>', S, T),
    "tomcat users": (f'<user username="a" password="{S}" roles="manager"/>', S),
    "tomcat trust": (f'<Certificate certificateKeystorePassword="{S}" />', S),
    "jboss": (f'<security><user-name>a</user-name><password>{S}</password></security>', S),
    "web.config": (
        f'<add name="x" connectionString="Server=a;User Id=b;Password={S};" />\n'
        f'<machineKey validationKey="{capitals(64)}" decryptionKey="{digits(48)}"/>', S, capitals(64), digits(48)
    ),
    "web.config pwd": (f'<add connectionString="Data Source=a;Uid=b;Pwd={S}" />', S),
    "appsettings": (
        f'{{"ConnectionStrings": {{"Default": "Server=x;Password={S};"}}, "Jwt": {{"Key": "{letters(32)}"}}}}', S, letters(32)
    ),
    "azure": (f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={letters(86)}==;EndpointSuffix=y", letters(86)),
    "azure sb": (f"Endpoint=sb://x/;SharedAccessKeyName=y;SharedAccessKey={letters(43)}=", letters(43)),
    "systemd multi": (f"Environment=A=b DB_PASSWORD={S} C=d\nEnvironment='API_TOKEN={T}'\nSetCredential=x:{S}\n", S, T),
    "crontab": (f"PGPASSWORD={S}\n0 1 * * * root PGPASSWORD={T} pg_dump x\n", S, T),
    "crontab mysql": (f"0 1 * * * root mysqldump -ubob -p'{S}' x\n", S),
    "bash": (f"export A=b TOKEN={S}\nreadonly API_KEY={S}\ndeclare -x SECRET=\"{T}\"\nlocal pass='{T}'\n", S, T),
    "bash :=": (f': "${{DB_PASSWORD:={S}}}"\n', S),
    "fish": (f"set -x DB_PASSWORD {S}\nset -gx API_TOKEN '{S}'\n", S),
    "csh": (f"setenv DB_PASSWORD {S}\n", S),
    "bat": (f"set DB_PASSWORD={S}\nsetx API_TOKEN {S}\n", S),
    "powershell": (f"$p = ConvertTo-SecureString '{S}' -AsPlainText -Force\n", S),
    "powershell2": (f'[Environment]::SetEnvironmentVariable("API_TOKEN", "{S}", "Machine")', S),
    "powershell3": (f"New-Object PSCredential('bob', (ConvertTo-SecureString -String \"{S}\" -AsPlainText))", S),
    "net use": (f"net use z: \\\\srv\\x /user:bob {S}\n", S),
    "dockerfile": (f"ENV A=b DB_PASSWORD={S} C=d\nARG TOKEN={T}\nRUN curl -H 'Authorization: token {S}' x\n", S, T),
    "gha": (f"env:\n  TOKEN: {S}\n  NPM_TOKEN: ${{{{ secrets.NPM }}}}\n", S),
    "helm": (f"postgresql:\n  auth:\n    postgresPassword: {S}\n    existingSecret: x\n", S),
    "helm set": (f"helm install x --set auth.password={S},a=b --set-string token={T}\n", S, T),
    "hcl vault": (f'storage "consul" {{\n  token = "{S}"\n}}\nseal "awskms" {{\n  secret_key = "{S}"\n}}\n', S),
    "consul": (f'{{"encrypt": "{letters(22)}==", "acl": {{"tokens": {{"agent": "{S}", "default": "{T}"}}}}}}', letters(22), S, T),
    "consul hcl": (f'encrypt = "{letters(22)}=="\nacl {{\n  tokens {{\n    agent = "{S}"\n  }}\n}}\n', letters(22), S),
    "vault export": (
        f"export VAULT_TOKEN={S}\nvault operator unseal {letters(44)}\nUnseal Key 1: {letters(44)}\n"
        f"Initial Root Token: {S}\n", S, letters(44)
    ),
    "vault kv put": (f"vault kv put secret/x password={S} user=b\n", S),
    "vault login": (f"vault login {S}\n", S),
    "jwt": (f"x: eyJ{letters(20)}.eyJ{letters(40)}.{letters(43)}\n", letters(43)),
    "cloud-init chpasswd": (f"#cloud-config\nchpasswd:\n  list: |\n    root:{S}\n    bob:{T}\n  expire: false\n", S, T),
    "cloud-init users": (f"#cloud-config\nchpasswd:\n  users:\n  - {{name: bob, password: {S}, type: text}}\n", S),
    "cloud-init plain": (
        f"users:\n- name: x\n  plain_text_passwd: {S}\n  hashed_passwd: $6$x${letters(40)}\n  passwd: {T}\n", S, T, letters(40)
    ),
    "cloud-init password": (f"password: {S}\nssh_pwauth: true\n", S),
    "kickstart": (f"rootpw --plaintext {S}\nrootpw {T}x\nuser --name=bob --password={S} --plaintext\nbootloader --password={S}\n", S, T),
    "kickstart iscrypted": (f"rootpw --iscrypted $6$x${letters(86)}\n", letters(86)),
    "preseed": (
        f"d-i passwd/root-password password {S}\nd-i passwd/user-password-again password {T}\n"
        f"d-i passwd/root-password-crypted password $6$x${letters(40)}\n", S, T, letters(40)
    ),
    "grub": (
        f"set superusers=bob\npassword_pbkdf2 root grub.pbkdf2.sha512.10000.{digits(64).upper()}.{digits(64).upper()}\n"
        f"password bob {S}\n", digits(64).upper(), S
    ),
    "cisco": (
        f"username bob password 0 {S}\ncrypto isakmp key {S} address 1.2.3.4\ntacacs-server key 7 {T}\n"
        f"radius-server host x key {T}\nneighbor 1.2.3.4 password {S}\nppp chap password 0 {S}\nline vty 0 4\n"
        f" password {S}\n", S, T
    ),
    "cisco ospf": (
        f" ip ospf authentication-key {S}\n ip ospf message-digest-key 1 md5 {T}\n standby 1 authentication {S}\n"
        f" ntp authentication-key 1 md5 {T}\n key-string {S}\n pre-shared-key address 1.1.1.1 key {T}\n", S, T
    ),
    "junos": (
        f'encrypted-password "$6$x${letters(40)}"; ## SECRET-DATA\nsecret "$9${letters(20)}"; ## SECRET-DATA\n'
        f'authentication-key "$9${letters(20)}";\npre-shared-key ascii-text "$9${letters(20)}";\n', letters(40), letters(20)
    ),
    "junos set": (
        f'set system root-authentication encrypted-password "{S}"\nset snmp community {T} authorization read-only\n'
        f'set security ike policy p pre-shared-key ascii-text "{S}"\n', S, T
    ),
    "snmpd com2sec": (f"com2sec local default {S}\nrwcommunity {T} 10.0.0.0/8\n", S, T),
    "snmp exporter": (
        f"auths:\n  v2:\n    community: {S}\n    version: 2\n  v3:\n    username: x\n    auth_protocol: MD5\n"
        f"    password: {S}\n    priv_password: {T}\n", S, T
    ),
    "snmpget": (f"snmpwalk -v2c -c {S} host\nsnmpget -v3 -A {T} -X {S} host\n", S, T),
    "msmtp": (f"account x\nuser bob\npassword {S}\npasswordeval cat\n", S),
    "ssmtp": (f"AuthUser=bob\nAuthPass={S}\n", S),
    "fetchmail": (f'poll x proto imap user "bob" password "{S}"\npoll y user bob pass {S} is b\n', S),
    "mutt": (f'set imap_pass="{S}"\nset smtp_url="smtp://bob:{S}@x"\n', S),
    "offlineimap": (f"remotepass = {S}\n", S),
    "ddclient": (f"login=bob\npassword='{S}'\n", S),
    "ddns": (f'key "k" {{\n  algorithm hmac-sha256;\n  secret "{letters(44)}";\n}};\n', letters(44)),
    "rndc": (f'key k {{ algorithm hmac-md5; secret "{S}"; }};', S),
    "tsig nsupdate": (f"nsupdate -y hmac-sha256:k:{letters(44)}\n", letters(44)),
    "powerdns": (f"api-key={S}\ngmysql-password={S}\nwebserver-password={T}\n", S, T),
    "freeradius": (f"client x {{\n  ipaddr = 1.2.3.4\n  secret = {S}\n}}\nbob Cleartext-Password := \"{S}\"\n", S),
    "openldap": (f"rootpw {S}\nolcRootPW: {S}\nbindpw {T}\ncredentials={S}\n", S, T),
    "ldapsearch": (f"ldapsearch -D cn=x -w {S} -b y\n", S),
    "nslcd": (f"bindpw {S}\nrootpwmodpw {T}\n", S, T),
    "sssd": (f"ldap_default_authtok_type = password\nldap_default_authtok = {S}\n", S),
    "krb kadmin": (f"kadmin -p x -w {S} -q y\naddprinc -pw {T} bob\n", S, T),
    "zabbix": (f"DBPassword={S}\nTLSPSKIdentity=x\n", S),
    "influx": (f'[[outputs.influxdb_v2]]\n  token = "{S}"\n  password = "{S}"\n', S),
    "telegraf snmp": (f'community = "{S}"\n', S),
    "elasticsearch": (
        f"xpack.security.http.ssl.keystore.secure_password: {S}\nelasticsearch.password: {S}\n"
        f"xpack.encryptedSavedObjects.encryptionKey: {letters(32)}\n", S, letters(32)
    ),
    "logstash": (f'output {{ elasticsearch {{ user => "x" password => "{S}" api_key => "{T}" }} }}', S, T),
    "fluentd": (f"<match x>\n  password {S}\n  shared_key {T}\n  aws_sec_key {S}\n</match>\n", S, T),
    "fluentbit": (f"    HTTP_Passwd  {S}\n    http_User x\n    Splunk_Token   {S}\n", S),
    "kafka jaas": (f'sasl.jaas.config=org.x.PlainLoginModule required username="a" password="{S}";\nssl.keystore.password={S}\n', S),
    "zookeeper jaas": (f'Server {{\n  org.x.DigestLoginModule required\n  user_super="{S}"\n  user_bob="{T}";\n}};', S, T),
    "cassandra": (f"keystore_password: {S}\ntruststore_password: {S}\n", S),
    "cqlshrc": (f"[authentication]\nusername = x\npassword = {S}\n", S),
    "clickhouse": (
        f"<users><default><password>{S}</password></default>"
        f"<x><password_sha256_hex>{digits(64)}</password_sha256_hex></x></users>", S, digits(64)
    ),
    "apache auth": (f'AuthLDAPBindPassword "{S}"\nDBDParams "host=x user=y pass={S}"\nSSLProxyMachineCertificateFile x\n', S),
    "apache balancer": (f"ProxyPass / http://x secret={S}\nWorker secret={S}\n", S),
    "squid": (f"cache_peer x parent 3128 0 login=bob:{S}\ncachemgr_passwd {S} all\n", S),
    "supervisord": (f"[inet_http_server]\nusername = x\npassword = {{SHA}}{digits(40)}\n", digits(40)),
    "monit": (f'set httpd port 2812 allow admin:{S}\nset mailserver x username "a" password "{S}"\n', S),
    "jenkins": (f"<privateKeyPassword>{S}</privateKeyPassword><apiToken>{T}</apiToken><passphrase>{S}</passphrase>", S, T),
    "maven": (f"<server><id>x</id><username>a</username><password>{S}</password><passphrase>{T}</passphrase></server>", S, T),
    "gradle": (f"signing.password={S}\nossrhPassword={S}\nstorePassword '{T}'\nkeyPassword \"{T}\"\n", S, T),
    "s3cfg": (f"access_key = AKIA\nsecret_key = {S}\ngpg_passphrase = {S}\n", S),
    "boto": (f"aws_secret_access_key = {S}\naws_session_token = {S}\n", S),
    "rclone": (f"[x]\npass = {S}\nsecret_access_key = {S}\ntoken = {{\"access_token\":\"{S}\",\"refresh_token\":\"{T}\"}}\n", S, T),
    "gcp sa": (f'{{"private_key_id": "{digits(40)}", "client_id": "1", "private_key": "x{S}"}}', S),
    "restic": (f"export RESTIC_PASSWORD={S}\nexport B2_ACCOUNT_KEY={S}\n", S),
    "borg": (f"BORG_PASSPHRASE='{S}'\n", S),
    "echo pw to passwd": (f"echo {S} | passwd --stdin bob\n", S),
    "smbpasswd": (f'(echo "{S}"; echo "{S}") | smbpasswd -s -a bob\n', S),
    "useradd -p": (f"useradd -p {S} bob\nusermod --password {T} bob\n", S, T),
    "openssl": (f"openssl enc -pass pass:{S} -k {T}\nopenssl rsa -passin pass:{S} -passout 'pass:{T}'\n", S, T),
    "keytool": (f"keytool -storepass {S} -keypass {T} -list\n", S, T),
    "java props": (f"-Djavax.net.ssl.keyStorePassword={S} -Dfoo=1\n", S),
    "ansible-playbook": (f"ansible-playbook -e 'db_password={S}' x\n", S),
    "psql var": (f"psql -v password={S}\n", S),
    "docker run": (f"docker run -e POSTGRES_PASSWORD={S} -e 'A_TOKEN={T}' x\ndocker login -u x -p {S} y\n", S, T),
    "kubectl": (f"kubectl create secret generic x --from-literal=a={S} --from-literal='b={T}'\n", S, T),
    "kubectl docker": (f"kubectl create secret docker-registry x --docker-password={S}\n", S),
    "htpasswd cmd": (f"htpasswd -bc /x bob {S}\n", S),
    "mysqladmin": (f"mysqladmin -u root password '{S}'\nmysqladmin -uroot password {S}\n", S),
    "rabbitmqctl": (f"rabbitmqctl add_user bob {S}\nrabbitmqctl change_password bob '{T}'\n", S, T),
    "smbclient": (f"smbclient //x/y -U bob%{S}\n", S),
    "wget": (f"wget --user=bob --password={S} --http-passwd={T} x\n", S, T),
    "curl header": (f"curl -H 'X-Api-Key: {S}' -H \"PRIVATE-TOKEN: {T}\" x\n", S, T),
    "sqlplus": (f"sqlplus bob/{S}@db\n", S),
    "sqlcmd": (f"sqlcmd -S x -U sa -P {S} -Q y\n", S),
    "bcp": (f"bcp x out y -Usa -P{S}\n", S),
    "lftp": (f"lftp -u bob,{S} x\n", S),
    "ftp url": (f"ftp://bob:{S}@x/\n", S),
    "oracle tns": (f"CONNECT bob/{S}@db\n", S),
    "oracle db link": (f'CREATE DATABASE LINK l CONNECT TO bob IDENTIFIED BY "{S}" USING x', S),
    "proxysql": (
        f'mysql_users: ( {{ username = "bob" , password = "{S}" , default_hostgroup = 0 }})\n'
        f'admin_credentials="admin:{T}"\nmysql-monitor_password={S}\n', S, T
    ),
    "maxscale": (f"[svc]\nuser=x\npassword={S}\n", S),
    "odyssey": (f'user "bob" {{\n  authentication "md5"\n  password "{S}"\n  storage_password "{T}"\n}}\n', S, T),
    "pgpool pcp": (f"bob:{digits(32)}\n", digits(32)),
    "pgpool pool_passwd": (f"bob:TEXT{S}\n", S),
    "pgpool pool_passwd AES": (f"bob:AES{letters(24)}==\n", letters(24)),
    "patroni": (
        f"postgresql:\n  authentication:\n    replication:\n      username: r\n      password: {S}\n  pg_hba: []\n"
        f"restapi:\n  authentication:\n    username: x\n    password: {T}\n", S, T
    ),
    "pgbackrest": (f"repo1-cipher-pass={S}\nrepo1-s3-key={letters(20)}\nrepo1-s3-key-secret={S}\n", S, letters(20)),
    "walg": (f"WALG_LIBSODIUM_KEY={digits(64)}\nAWS_SECRET_ACCESS_KEY={S}\n", S, digits(64)),
    "barman": (f"conninfo = host=x user=b password={S}\n", S),
    "etcd": (f"ETCDCTL_USER=root:{S}\netcdctl --user root:{T} get x\n", S, T),
    "keycloak": (f'"credentials": [{{"type": "password", "value": "{S}"}}], "secret": "{T}"', S, T),
    "keycloak1": (f'"credentials": [{{"secretData": "{{\\"value\\":\\"{letters(40)}\\"}}"}}]', letters(40)),
    "dex": (f"staticClients:\n- id: x\n  secret: {S}\nstaticPasswords:\n- email: x\n  hash: $2a$10${letters(53)}\n", S, letters(53)),
    "oauth2 proxy": (f'client_secret = "{S}"\ncookie_secret = "{T}"\n', S, T),
    "gitlab.rb": (
        f"gitlab_rails['smtp_password'] = \"{S}\"\ngitlab_rails['initial_root_password'] = '{T}'\n"
        f"gitlab_rails['db_key_base'] = '{digits(128)}'\n", S, T, digits(128)
    ),
    "gitlab ldap": (f"  'bind_dn' => 'x',\n  'password' => '{S}',\n  otp_key_base: {digits(128)}\n", S, digits(128)),
    "minio": (f"MINIO_ROOT_USER=x\nMINIO_ROOT_PASSWORD={S}\nmc alias set x https://x KEY {T}\n", S, T),
    "nextcloud": (f"  'dbpassword' => '{S}',\n  'passwordsalt' => '{S}',\n  'secret' => '{T}',\n", S, T),
    "django": (f"SECRET_KEY = 'django-insecure-{S}'\nDATABASES = {{'default': {{'PASSWORD': '{S}'}}}}\n", S),
    "flask": (f"app.secret_key = b'{S}'\napp.config['SECRET_KEY'] = '{T}'\n", S, T),
    "symfony": (f"APP_SECRET={S}\nDATABASE_URL=\"mysql://u:{S}@x/y\"\n", S),
    "magento": (f"'crypt' => [\n  'key' => '{digits(32)}'\n],\n", digits(32)),
    "joomla": (f"public $password = '{S}';\npublic $secret = '{T}';\n", S, T),
    "drupal": (f"$settings['hash_salt'] = '{S}';\n", S),
    "typo3": (f"'encryptionKey' => '{S}',\n'installToolPassword' => '{T}',\n", S, T),
    "asterisk": (f"secret={S}\nmd5secret={digits(32)}\nremotesecret={T}\n1234 => {S},Bob\n", digits(32), S, T),
    "asterisk ari": (f"[bob]\ntype=user\npassword={S}\n", S),
    "freeswitch": (f'<param name="password" value="{S}"/><X-PRE-PROCESS cmd="set" data="default_password={T}"/>', S, T),
    "vnc": (f"rfbauth /x\nx11vnc -passwd {S} -display :0\n", S),
    "vncpw xrdp": (f"password=ask{S}\n", S),
    "teamspeak": (f"serveradmin_password={S}\n", S),
    "unifi": (f"unifi.db.pass={S}\n", S),
    "homeassistant": (f"mqtt_password: {S}\nhttp_password: !secret x\n", S),
    "mosquitto": (f"bob:$7$101${letters(24)}${letters(86)}==\nmosquitto_pub -u bob -P {S} -t x\nremote_password {S}\n", letters(24), S),
    "nats": (
        f'authorization {{\n  user: a\n  password: {S}\n  token: "{T}"\n}}\n'
        f'accounts: {{ X: {{ users: [{{user: b, password: {S}}}] }} }}\n', S, T
    ),
    "coturn": (f"user=bob:{S}\nstatic-auth-secret={T}\ncli-password={S}\n", S, T),
    "prosody": (f'component_secret = "{S}"\n', S),
    "ejabberd": (f'auth_password: "{S}"\n', S),
    "synapse": (f'registration_shared_secret: "{S}"\nmacaroon_secret_key: "{T}"\nform_secret: "{S}"\n', S, T),
    "l2tp": (f"name bob\nrequire-mschap-v2\npassword {S}\n", S),
    "pppoe uci": (f"option password '{S}'\noption key '{T}'\n", S, T),
    "uci set": (f"uci set wireless.@wifi-iface[0].key='{S}'\n", S),
    "mikrotik": (
        f'/ppp secret add name=bob password="{S}"\n/interface wireless security-profiles set wpa2-pre-shared-key="{T}"\n'
        f'/user add name=x password={S} group=full\n', S, T
    ),
    "fortigate": (f"set password ENC {letters(40)}==\nset psksecret ENC {letters(30)}\nset passwd {S}\n", letters(40), letters(30), S),
    "vyos": (
        f"set system login user bob authentication plaintext-password '{S}'\n"
        f"set vpn ipsec authentication psk x secret '{T}'\n", S, T
    ),
    "huawei": (f"local-user bob password cipher {S}\nset authentication password simple {T}\n", S, T),
    "arista": (f"username bob secret sha512 $6$x${letters(40)}\n", letters(40)),
    "bgp frr": (f" neighbor 1.2.3.4 password {S}\n password {T}\n enable password {S}\n", S, T),
    "bird": (f'password "{S}";\n', S),
    "pacemaker": (
        f'<nvpair id="a" name="passwd" value="{S}"/>\n'
        f'primitive st stonith:fence_ipmilan params ipaddr=x login=y passwd={T}\n', S, T
    ),
    "ipmitool": (f"ipmitool -I lanplus -H x -U y -P {S} chassis\n", S),
    "nut": (f"[upsmon]\n  password = {S}\nMONITOR ups@x 1 bob {T} master\n", S, T),
    "bacula": (f'Director {{\n  Name = x\n  Password = "{S}"\n}}\n', S),
    "tac_plus": (f'user = bob {{ login = cleartext "{T}" }}\n', T),
    "lmtp pw": (f"userPassword:: {letters(20)}==\n", letters(20)),
    "ldif": (f"olcRootPW: {{SSHA}}{letters(32)}\nuserPassword: {S}\n", letters(32), S),
    "hashed json": (f'{{"passwordHash": "{letters(40)}", "api-token-hash": "{digits(40)}"}}', letters(40)),
    "datadog": (f"api_key: {digits(32)}\napp_key: {digits(40)}\n", digits(32)),
    "newrelic": (f"license_key: '{digits(40)}'\n", digits(40)),
    "sentry conf": (f"system.secret-key: '{S}'\nmail.password: '{S}'\n", S),
    "pulumi": (f"config:\n  x:dbPassword:\n    secure: {letters(40)}\nencryptionsalt: v1:{letters(20)}\n", letters(40)),
    "serverless": (f"environment:\n  DB_PASS: {S}\n", S),
    "netplan": (f'access-points:\n  "home":\n    password: "{S}"\n    auth:\n      key-management: psk\n      password: "{T}"\n', S, T),
    "iwd": (f"[Security]\nPassphrase={S}\nPreSharedKey={digits(64)}\n", S, digits(64)),
    "dhcp omapi": (f"omapi-key k;\nkey k {{\n  algorithm x;\n  secret {letters(44)};\n}}\n", letters(44)),
    "logrotate": (f"postrotate\n mysql -uroot -p{S} -e 'flush logs'\n", S),
    "yaml key on next doc": (f"- key: DB_PASSWORD\n  value: {S}\n- key: X\n  value: plain\n", S),
    "json Name/Value ecs": (f'"environment": [{{"name": "DB_PASSWORD", "value": "{S}"}}]', S),
    "cfn params": (f'[{{"ParameterKey": "DBPassword", "ParameterValue": "{S}"}}]', S),
    "cfn yaml": (f"Parameters:\n  DBPassword:\n    Type: String\n    NoEcho: true\n    Default: {S}\n", S),
    "ssm": (f'aws ssm put-parameter --name /db/password --value {S} --type SecureString\n', S),
    "secretsmanager": (f"aws secretsmanager create-secret --name x --secret-string '{S}'\n", S),
    "arm": (f'"adminPassword": {{"value": "{S}"}}, "secretValue": {{"defaultValue": "{T}", "type": "securestring"}}', S, T),
    "compose secrets env": (f"environment:\n  MYSQL_ROOT_PASSWORD: {S}\n  - X\n", S),
    "nomad": (f'env {{\n  DB_PASSWORD = "{S}"\n}}\ntemplate {{ data = "TOKEN={T}" }}\n', S, T),
    "ssh config": (f"# pw: {S}\nHost x\n", S),
    "comment pw": (f"# the root pw: {S}\n# login bob / pass: {T}\n", S, T),
}

# fmt: on
READABLE: tuple[str, ...] = (
    "--password-file /run/secrets/x",
    "tokenizer: standard",
    "community: open source",
    "auth_pass_through: on",
    'command: ["server", "--password-file", "/run/secrets/x", "--port", "5"]\n',
    "args:\n  - --token-ttl\n  - 5m\n",
    "args:\n- --password-file\n- /run/secrets/x\n",
    "ldap_default_authtok_type = password",
    "snmp-server location rack",
    'community = ""',
    "cmd \\\n  --password-file \\\n  /run/x \\\n  --port 5\n",
    "- name: DB_PASSWORD\n  valueFrom: x\nother:\n  value: 5\n",
    "- name: DB_HOST\n  # the password: none\n  value: db\n",
    "authentication {\n  auth_type PASS\n}\n",
    "basic_auth_users: {}\n",
    '<setting name="ApiSecretName"><value>x</value></setting>',
    '<setting name="Theme"><value>dark</value></setting>',
    "aws configure set region eu-west-1",
    "bob * price\n",
    "    price * quantity\n",
    "  total * 1.19 AS gross,\n",
    "0 1 * * * root pg_dump x\n",
    "*/5 * * * * root x\n",
    "echo 'done' | tee log\n",
    "echo ok\n",
    "http_auth: [basic, digest]\n",
    "secrets: {db: {file: ./db.txt}, api: {external: true}}\n",
    '{"tokens": {"max": 5, "limit": 7}}',
    '{"key":"title","description":"d","value":"x"}',
    "COMMENT ON TABLE t IS 'the password is required for all of them';",
    "password is required",
    "the password is hashed with SHA-256 and a salt",
    "the password is stored as bcrypt",
    "password is SHA256 of the name",
    "user and password are required\n",
    "username and password must be set\n",
    "# set password for the user\n",
    "-- set the password of a role first",
    "Set the password to something long",
    "password reset email sent to 5 users",
    "token bucket of 100 requests",
    "the secret is known",
    "secret key rotation in 30d",
    "password varchar2(30) NOT NULL",
    "password int8 NOT NULL",
    "token char(64),\nsecret int4",
    "password text CHARACTER SET utf8mb4",
    "SELECT t.password, t2.secret FROM t t1 JOIN t2 ON true",
    "user: postgres:postgres\n",
    'user: "1000:1000"\n',
    "FROM postgres:15.4\n",
    "image: registry.example.org:5000/x:1.2",
    "allow 10.0.0.0/8;\n",
    "allow all\n",
    "docker run -p 80:80 nginx\n",
    "curl -u https://x/ -o y\n",
    "mysql -u bob -p shop\n",
    "ssh -p 22 host\n",
    "redis-cli -a\n",
    "mkdir -p /a/b\n",
    "vault login -method=oidc\n",
    "snmpwalk -v2c host\n",
    "sort_key: created_at",
    "public_key: 0f3a9c1d5e7b24680f3a9c1d5e7b24680f3a9c1d5e7b24680f3a9c1d5e7b2468",
    "cache_key: 0f3a9c1d5e7b24680f3a9c1d5e7b24680f3a9c1d",
    "key: build-linux-node-v2",
    "key: user:1234:profile",
    "encrypt: true",
    "encrypt = no",
    "primary key (id)",
    "FOREIGN KEY (a) REFERENCES b (c)",
    "CREATE INDEX api_key_idx ON api_keys (created_at)",
    '"client" "server" "x"',
    "server: nginx\nclient: x\n",
    "hide_version = yes\n",
    "set timeout 5\n",
    "neighbor 1.2.3.4 remote-as 65000\n",
    "username bob privilege 15\n",
    "ip ospf authentication message-digest\n",
    "ppp authentication chap\n",
    "auth: basic\n",
    'auth_basic "Restricted";\nauth_basic_user_file /etc/nginx/htpasswd;\n',
    "proxy_pass http://x1;",
    "fastcgi_pass unix:/run/php8.sock;",
    "pass in on eth0 proto tcp from any to any port 22\n",
    "grant_pass_through: 1",
    "pg_password_file /etc/x1234\n",
    "passwd: files systemd\nshadow: files\n",
    "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n",
    "password\trequisite\tpam_deny.so\n",
    "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok try_first_pass yescrypt\n",
    "password sufficient pam_sss.so use_authtok\n",
    "db.example.com:5432\n",
    "127.0.0.1 localhost a.b\n",
    "SELECT 1 FROM users WHERE password IS NOT NULL",
    "ON COLUMN users.secret IS NULL",
    "IF password is null THEN",
    "DROP COLUMN password CASCADE",
    "RENAME COLUMN token TO session_token2",
    "ALTER TABLE t RENAME password TO password2_old",
    "GRANT SELECT (password, token) ON users TO reader1",
    "CREATE TYPE secret_kind AS ENUM ('a1b2c3')",
    "type: token\ndefault: 5\n",
    "id: password\nlabel: Password\n",
    '{"type":"string","value":"x"}',
    "- type: integer\n  value: 5\n",
    "SELECT id AS token_id, 'x1y2z3' AS label FROM t",
    "api_keys:\n  enabled: true\n",
    "secrets: [db_password, api_token]\n",
    "secrets {\n  provider = vault\n}\n",
    "export default { secrets, tokens }\n",
    "password_hash_iterations 100000",
    "pass 1 of 2: 15 tables",
    "first pass took 12.5s",
    "access: token2022 or basic",
    "max_connections = 100 # (change requires restart)",
    "ssl_passphrase_command = ''",
    "ssl_passphrase_command_supports_reload = off",
    "auth_query = 'SELECT usename, passwd FROM pg_shadow WHERE usename=$1'",
    "SELECT * FROM sessions WHERE token = $1 AND kind = 'admin-01'",
    "VALID UNTIL 'infinity'",
    "SELECT password FROM users -- the password is never shown",
    "COMMENT ON COLUMN users.password IS 'password is stored as argon2id'",
)
