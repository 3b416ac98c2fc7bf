# SPDX-License-Identifier: Apache-2.0
"""Where the benchmark plays: two namespaces, and servers pinned to one core.

tunhttpd's TUN device is in the client's namespace; nginx is in a namespace of its own behind a veth pair. So each
server is one hop away from the same client. The client has the other core (CLIENT_CORE)."""
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SERVER_CORE, CLIENT_CORE = "0", "1"
OURS, THEIRS = "10.77.0.2", "10.78.0.2"

# Both servers and every client use the same cipher suite.
OPENSSL_CONF = """openssl_conf = init
[init]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
Ciphersuites = TLS_AES_128_GCM_SHA256
CipherString = ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256
Groups = X25519
"""

NGINX_CONF = """daemon off; worker_processes {workers}; pid {work}/nginx.pid; error_log {work}/nginx.log;
worker_rlimit_nofile 250000;
events {{ worker_connections 120000; }}
http {{
	access_log off; sendfile on; tcp_nopush on; open_file_cache max=10000; open_file_cache_valid 60s;
	keepalive_requests 1000000000; keepalive_timeout 3600s;
	ssl_certificate {cert}; ssl_certificate_key {key};
	ssl_protocols TLSv1.2 TLSv1.3; ssl_session_tickets on; ssl_ecdh_curve X25519;
	ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256; ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
	ssl_buffer_size 16k;
	server {{ listen {address}:80 backlog=4096; listen {address}:443 ssl http2 backlog=4096; root {www}; }}
}}
"""


ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NGINX = next((p for p in ("/usr/sbin/nginx", os.path.join(ROOT, "build/nginx/usr/sbin/nginx")) if os.path.exists(p)),
             "nginx")


def die(text):
    sys.exit("bench: " + text)


def family(pid):
    """A process and its children, all of them."""
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            children = [int(word) for word in f.read().split()]
    except FileNotFoundError:
        return []
    return [pid] + [p for child in children for p in family(child)]


class Server:
    """One of the two, running."""

    def __init__(self, name, address, process, namespace):
        self.name, self.address, self.process, self.namespace = name, address, process, namespace

    def cpu(self):
        """Seconds on the processor so far: the scheduler's own count, in nanoseconds."""
        total = 0
        for pid in family(self.process.pid):
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as f:
                    total += int(f.read().split()[0])
        return total / 1e9

    def memory(self):
        """Bytes of the processes: proportional set size."""
        total = 0
        for pid in family(self.process.pid):
            with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as f:
                total += sum(int(line.split()[1]) for line in f if line.startswith("Pss:"))
        return total * 1024


class Stage:
    def __init__(self, binary, steering=False):
        self.binary, self.steering = os.path.abspath(binary), steering
        self.client, self.server = ("tunhttpd-bench-%d-%s" % (os.getpid(), end) for end in "cs")
        self.work = tempfile.mkdtemp(prefix="tunhttpd-bench-")
        self.www = os.path.join(self.work, "www")
        self.running = []
        self.tools = {}

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop_servers()
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.work, ignore_errors=True)

    def build(self):
        os.makedirs(self.www)
        os.chmod(self.work, 0o755)
        with open(os.path.join(self.www, "1k.bin"), "wb") as f:
            f.write(os.urandom(1024))
        with open(os.path.join(self.work, "openssl.cnf"), "w", encoding="ascii") as f:
            f.write(OPENSSL_CONF)
        for name in (self.client, self.server):
            self.run("ip", "netns", "add", name)
            self.run("ip", "-n", name, "link", "set", "lo", "up")
            # Clients close first, mostly: their ports are not to wait.
            self.run("ip", "netns", "exec", name, "sysctl", "-qw", "net.ipv4.tcp_max_tw_buckets=0",
                     "net.ipv4.ip_local_port_range=1024 65000", "net.core.somaxconn=4096")
        self.run("ip", "-n", self.client, "link", "add", "veth0", "type", "veth", "peer", "name", "veth1",
                 "netns", self.server)
        for name, device, end in ((self.client, "veth0", 1), (self.server, "veth1", 2)):
            self.run("ip", "-n", name, "addr", "add", "10.78.0.%d/16" % end, "dev", device)
            self.run("ip", "-n", name, "link", "set", device, "up")
        for kind, arguments in (("ecdsa", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["rsa:2048"])):
            self.run("openssl", "req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=bench", "-addext",
                     "subjectAltName=IP:%s,IP:%s" % (OURS, THEIRS), "-newkey", *arguments, "-keyout",
                     self.file(kind + ".key"), "-out", self.file(kind + ".pem"))

    def file(self, name):
        return os.path.join(self.work, name)

    @staticmethod
    def run(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            die("%s: %s" % (" ".join(command), done.stdout.strip()))

    def tool(self, source):
        """A client of ours, compiled when it is first needed."""
        if source not in self.tools:
            out = self.file(source)
            self.run("cc", "-O2", "-D_GNU_SOURCE", "-o", out,
                     os.path.join(os.path.dirname(os.path.abspath(__file__)), source + ".c"), "-lssl", "-lcrypto")
            self.tools[source] = out
        return self.tools[source]

    def make_file(self, name, size):
        path = os.path.join(self.www, name)
        if not os.path.exists(path):
            with open(path, "wb") as f:
                block = os.urandom(1 << 20)
                for _ in range(max(1, size >> 20)):
                    f.write(block[:size])

    # -------------------------------------------------------------- servers

    def ours_command(self, kind="ecdsa", workers=1, cores=SERVER_CORE, options=()):
        return ["taskset", "-c", cores, self.binary, "serve", self.www, "--cert", self.file(kind + ".pem"), "--key",
                self.file(kind + ".key"), "--state", self.file("state"), "--workers", str(workers), "--log", "off",
                "--address", OURS + "/16", "--address6", "off", "--idle-timeout", "3600", "--max-requests", "1000000000",
                "--max-connections", "200000", "--max-connections-per-client", "off", *options]

    def nginx_command(self, kind="ecdsa", workers=1, cores=SERVER_CORE):
        with open(self.file("nginx.conf"), "w", encoding="ascii") as f:
            f.write(NGINX_CONF.format(workers=workers, work=self.work, cert=self.file(kind + ".pem"),
                                      key=self.file(kind + ".key"), address=THEIRS, www=self.www))
        return ["taskset", "-c", cores, NGINX, "-c", self.file("nginx.conf"), "-e", self.file("nginx.log")]

    def spawn(self, namespace, command, log):
        with open(self.file(log), "ab") as out:
            return subprocess.Popen(["ip", "netns", "exec", namespace] + command, stdout=out, stderr=out,
                                    start_new_session=True)

    def start(self, name, **how):
        if name == "ours":
            server = Server(name, OURS, self.spawn(self.client, self.ours_command(**how), "ours.log"), self.client)
        else:
            how.pop("options", None)
            server = Server(name, THEIRS, self.spawn(self.server, self.nginx_command(**how), "nginx.out"),
                            self.server)
        self.running.append(server)
        for _ in range(100):
            if self.inside("curl", "-sf", "-o", "/dev/null", "http://%s/1k.bin" % server.address).returncode == 0:
                if name == "ours" and self.steering:
                    self.steer()
                return server
            time.sleep(0.05)
        with open(self.file("ours.log" if name == "ours" else "nginx.out"), encoding="utf-8") as f:
            die("%s does not serve: %s" % (name, f.read()))

    def steer(self):
        """Receive packet steering: what we write to the device is received on the client's core, not on ours."""
        done = self.inside("sh", "-c", "for q in /sys/class/net/tunhttpd0/queues/rx-*; do echo %x >$q/rps_cpus || exit 1; "
                           "done" % (1 << int(CLIENT_CORE)))
        if done.returncode != 0:
            die("receive packet steering: " + done.stdout)

    def stop_servers(self):
        for server in self.running:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGTERM)
                try:
                    server.process.wait(30)
                except subprocess.TimeoutExpired:
                    server.process.kill()
                    server.process.wait()
        self.running = []

    # -------------------------------------------------------------- clients

    def client_command(self, *command, cores=CLIENT_CORE):
        return ["ip", "netns", "exec", self.client, "env", "OPENSSL_CONF=" + self.file("openssl.cnf"), "taskset", "-c",
                cores, *command]

    def inside(self, *command, cores=CLIENT_CORE):
        return subprocess.run(self.client_command(*command, cores=cores), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)


def first_byte(command, address):
    """Milliseconds from starting `command` to the first byte of a response. Runs in the client's namespace."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.monotonic() - start < 20:
            try:
                with socket.create_connection((address, 80), timeout=0.05) as s:
                    s.sendall(b"GET /1k.bin HTTP/1.0\r\n\r\n")
                    s.settimeout(2)
                    if s.recv(1) == b"H":
                        return (time.monotonic() - start) * 1e3
            except (OSError, http.client.HTTPException):
                time.sleep(0.0005)
    finally:
        process.terminate()
        process.wait()
    die("%s never served" % command)
    return None
