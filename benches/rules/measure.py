#!/usr/bin/env python3
"""Measures how long Prometheus takes to evaluate alerts/qlara.rules.yml.

    cargo build --release --locked
    benches/rules/measure.py target/release/qlara-exporter

Needs Prometheus. A simulated gateway, an exporter and Prometheus run with many profiles, first with one profile in a
hundred failing, then with every second one. Time is divided by 12: the rules are evaluated every 5 seconds, and their
ranges are shortened accordingly. A range of an hour therefore holds the usual 60 samples after 5 minutes.
"""

import argparse
import contextlib
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

RULES = pathlib.Path(__file__).parents[2] / "alerts" / "qlara.rules.yml"
INTERVAL = 5
SECONDS = {"m": 60 // 12, "h": 3600 // 12, "d": 86400 // 12}


def shortened_rules():
    text = RULES.read_text().replace("interval: 1m", f"interval: {INTERVAL}s")
    seconds = lambda match: f"{match[1]}{int(match[2]) * SECONDS[match[3]]}s"
    text = re.sub(r"(\[|offset )(\d+)([mhd])", seconds, text)
    return re.sub(r"vector\((.*)\)(\n +labels:\n +threshold: \w+_seconds\n)", r"vector(\1 / 12)\2", text)


def profiles(count, failing_every):
    for number in range(count):
        yield {
            "platform": ["facebook", "instagram", "whatsapp"][number % 3],
            "profileId": f"p{number}",
            "name": f"Profile {number}",
            "status": "CONNECTED" if number % failing_every else "DISCONNECTED",
            "tokenExpiresAt": "2099-01-01T00:00:00Z",
            "connectedAt": "2026-01-01T00:00:00Z",
            "permissions": ["pages_messaging", "pages_read_engagement", "instagram_basic", "instagram_manage_messages"],
        }


def request(url, method="GET", body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as response:
        return response.read()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, seconds):
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if condition():
                return
        time.sleep(0.5)
    raise TimeoutError


class Prometheus:
    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def query(self, query):
        answer = request(f"{self.url}/api/v1/query?" + urllib.parse.urlencode({"query": query}))
        result = json.loads(answer)["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0

    def group(self):
        return json.loads(request(f"{self.url}/api/v1/rules"))["data"]["groups"][0]

    def counters(self):
        """CPU seconds, scrapes and evaluations so far."""
        text = request(f"{self.url}/metrics").decode()
        total = lambda name: sum(float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE))
        return (
            total("process_cpu_seconds_total"),
            total("prometheus_target_interval_length_seconds_count"),
            total("prometheus_rule_group_iterations_total") - total("prometheus_rule_group_iterations_missed_total"),
        )

    def wait_for(self, number, count):
        """Waits for so many more scrapes (1) or evaluations (2); returns by how much all counters grew."""
        before = self.counters()
        grown = lambda: [now - then for now, then in zip(self.counters(), before)]
        wait_until(lambda: grown()[number] >= count, 900)
        return grown()


def report(prometheus, count, scrape_cpu):
    cpu, scrapes, evaluations = prometheus.wait_for(2, 5)
    evaluation_cpu = (cpu - scrapes * scrape_cpu) / evaluations
    group = prometheus.group()
    scraped = prometheus.query("scrape_samples_scraped")
    recorded = prometheus.query('count({__name__=~".+:.+"})')
    alerts = prometheus.query('count({__name__=~"ALERTS.*"})')
    samples = prometheus.query("count_over_time(qlara:evaluated[5m])")
    print(f"  CPU time: a scrape {scrape_cpu:.2f} s, an evaluation {evaluation_cpu:.2f} s, ratio {evaluation_cpu / scrape_cpu:.1f}")
    print(f"  duration of an evaluation: {group['evaluationTime']:.2f} s; samples in a range of an hour: {samples:.0f}")
    print(f"  series per profile: {scraped / count:.1f} scraped, {recorded / count:.1f} recorded, {alerts / count:.1f} of alerts")
    for rule in sorted(group["rules"], key=lambda rule: rule["evaluationTime"], reverse=True)[:8]:
        print(f"  {rule['evaluationTime'] / group['evaluationTime']:5.0%} {rule['type']} {rule['name']}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exporter")
    parser.add_argument("--profiles", type=int, default=10_000)
    options = parser.parse_args()
    gateway, exporter, port = (free_port() for _ in range(3))
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as running:
        path = pathlib.Path(folder)
        (path / "qlara.rules.yml").write_text("groups: []")
        (path / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": f"{INTERVAL}s"},
            "rule_files": ["qlara.rules.yml"],
            "scrape_configs": [{"job_name": "qlara", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}],
        }))

        def start(*command, **environment):
            process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            running.callback(process.wait)
            running.callback(process.terminate)

        start(options.exporter, "simulate", f"--web.listen-address=127.0.0.1:{gateway}")
        control = f"http://127.0.0.1:{gateway}/-/profiles"
        connect = lambda failing_every: request(control, "PUT", list(profiles(options.profiles, failing_every)))
        wait_until(lambda: connect(100) is not None, 30)
        start(options.exporter, f"--qlara.url=http://127.0.0.1:{gateway}/api/v1/partner-gateway",
              f"--web.listen-address=127.0.0.1:{exporter}", f"--cache.ttl={INTERVAL}s", QLARA_API_KEY="simulated")
        start("prometheus", f"--config.file={path}/prometheus.yml", f"--storage.tsdb.path={path}/data",
              f"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle", PATH="/usr/bin:/bin:/usr/local/bin")
        prometheus = Prometheus(port)
        wait_until(lambda: prometheus.query("scrape_samples_scraped") > options.profiles, 60)
        cpu, scrapes, _ = prometheus.wait_for(1, 10)
        (path / "qlara.rules.yml").write_text(shortened_rules())
        request(f"{prometheus.url}/-/reload", "POST")
        for failing_every in (100, 2):
            connect(failing_every)
            failing = options.profiles // failing_every
            failed = "count(job_account_platform_profile:qlara_profile_failed_since:known)"
            wait_until(lambda: prometheus.query(failed) >= failing, 900)
            print(f"{options.profiles} profiles, one in {failing_every} failing:", flush=True)
            report(prometheus, options.profiles, cpu / scrapes)


if __name__ == "__main__":
    main()
