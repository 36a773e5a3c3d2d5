#!/usr/bin/env python3
"""Holds deploy/ and the Dockerfile to what they promise, without a cluster, a Grafana or a network.

Manifests: kustomize builds base and overlays, Kubernetes' own schemas accept them, and they agree with the configuration
file and the Dockerfile. Prometheus: promtool on configuration, rules and their tests; every alert has a case in which it
fires and one in which it does not. Grafana: what a dashboard needs to be provisioned. live_prometheus_test.py goes on from
there with a real server.
"""
import json
import re
import subprocess
import unittest

import tools

tools.enter()

import kubernetes_validate
import yaml

import expressions
from tools import HADOLINT, KUBECTL, PROMTOOL, ROOT

KUBERNETES = ROOT / "deploy/kubernetes"
BUILDS = [KUBERNETES / "base", *sorted(KUBERNETES.glob("overlays/*"))]
OLDEST_KUBERNETES, NEWEST_KUBERNETES = "1.29.0", "1.37.0"
AFTER_DRAIN_SECONDS = 2  # kLeastCallsTime and what follows it, in server/application.cc


def run(*command):
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def build(directory):
    code, output = run(KUBECTL, "kustomize", directory)
    if code != 0:
        raise AssertionError(f"{directory}: {output}")
    return [manifest for manifest in yaml.safe_load_all(output) if manifest]


def only(manifests, kind, name=None):
    found = [m for m in manifests if m["kind"] == kind and name in (None, m["metadata"]["name"])]
    if len(found) != 1:
        raise AssertionError(f"{len(found)} of {kind} {name or ''}")
    return found[0]


def version():
    return re.search(r"project\(sluice VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def seconds(duration):
    number, unit = re.fullmatch(r"(\d+)([smh])", duration).groups()
    return int(number) * {"s": 1, "m": 60, "h": 3600}[unit]


class Manifests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.builds = {directory.name: build(directory) for directory in BUILDS}

    def pods(self):
        for name, manifests in self.builds.items():
            yield name, only(manifests, "StatefulSet")["spec"]["template"]["spec"], manifests

    def test_the_schemas_of_the_oldest_and_newest_kubernetes_accept_them(self):
        for name, manifests in self.builds.items():
            for manifest in manifests:
                for version in (OLDEST_KUBERNETES, NEWEST_KUBERNETES):
                    with self.subTest(build=name, kind=manifest["kind"], version=version):
                        kubernetes_validate.validate(manifest, version, strict=True)

    def test_the_schemas_refuse_a_key_that_kubernetes_does_not_know(self):
        manifest = json.loads(json.dumps(only(self.builds["base"], "StatefulSet")))
        manifest["spec"]["template"]["spec"]["containers"][0]["readynessProbe"] = {}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(manifest, NEWEST_KUBERNETES, strict=True)

    def test_the_store_has_one_process(self):
        for name, manifests in self.builds.items():
            with self.subTest(build=name):
                self.assertEqual(only(manifests, "StatefulSet")["spec"]["replicas"], 1)

    def test_the_pod_may_do_nothing_that_it_need_not(self):
        for name, pod, _ in self.pods():
            with self.subTest(build=name):
                self.assertIs(pod["automountServiceAccountToken"], False)
                self.assertIs(pod["enableServiceLinks"], False)
                self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
                self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
                for container in pod["containers"]:
                    context = container["securityContext"]
                    self.assertIs(context["allowPrivilegeEscalation"], False)
                    self.assertIs(context["readOnlyRootFilesystem"], True)
                    self.assertEqual(context["capabilities"], {"drop": ["ALL"]})
                    self.assertIn("memory", container["resources"]["limits"])
                for volume in pod["volumes"]:
                    self.assertNotIn("hostPath", volume)

    def test_probes_ask_the_admin_port(self):
        for name, pod, _ in self.pods():
            container = pod["containers"][0]
            with self.subTest(build=name):
                for probe, path in (("startupProbe", "/readyz"), ("readinessProbe", "/readyz"), ("livenessProbe", "/healthz")):
                    self.assertEqual(container[probe]["httpGet"], {"path": path, "port": "admin"})

    def test_the_configuration_file_fits_ports_volumes_and_grace(self):
        for name, pod, manifests in self.pods():
            container = pod["containers"][0]
            config = yaml.safe_load(only(manifests, "ConfigMap")["data"]["sluiced.yaml"])
            ports = {port["name"]: port["containerPort"] for port in container["ports"]}
            mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
            with self.subTest(build=name):
                self.assertEqual(config["listen"], f"0.0.0.0:{ports['grpc']}")
                self.assertEqual(config["admin"], f"0.0.0.0:{ports['admin']}")
                self.assertEqual(config["data"], mounts["data"])
                self.assertEqual(container["args"], [f"--config={mounts['config']}/sluiced.yaml"])
                pre_stop = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
                needed = pre_stop + seconds(config["drain_timeout"]) + AFTER_DRAIN_SECONDS
                self.assertGreaterEqual(pod["terminationGracePeriodSeconds"], needed + 10)

    def test_services_and_policy_select_the_pod_and_name_its_ports(self):
        for name, manifests in self.builds.items():
            stateful_set = only(manifests, "StatefulSet")
            labels = stateful_set["spec"]["template"]["metadata"]["labels"].items()
            ports = {port["name"] for port in stateful_set["spec"]["template"]["spec"]["containers"][0]["ports"]}
            with self.subTest(build=name):
                self.assertEqual(only(manifests, "Service", stateful_set["spec"]["serviceName"])["spec"]["clusterIP"], "None")
                for service in (m for m in manifests if m["kind"] == "Service"):
                    self.assertLessEqual(service["spec"]["selector"].items(), labels)
                    self.assertLessEqual({port["targetPort"] for port in service["spec"]["ports"]}, ports)
                for policy in (m for m in manifests if m["kind"] == "NetworkPolicy"):
                    self.assertLessEqual(policy["spec"]["podSelector"]["matchLabels"].items(), labels)
                    self.assertEqual(policy["spec"]["egress"], [])

    def test_prometheus_asks_the_service_and_port_that_the_manifests_make(self):
        config = yaml.safe_load((ROOT / "deploy/prometheus/prometheus-kubernetes.yml").read_text())
        discovery = config["scrape_configs"][0]["dns_sd_configs"][0]
        service, namespace = discovery["names"][0].split(".")[:2]
        manifest = only(self.builds["base"], "Service", service)
        self.assertEqual(manifest["metadata"]["namespace"], namespace)
        self.assertEqual([(port["name"], port["port"]) for port in manifest["spec"]["ports"]], [("admin", discovery["port"])])

    def test_the_image_is_the_one_that_the_dockerfile_makes(self):
        dockerfile = (ROOT / "Dockerfile").read_text()
        user, group = re.search(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE).groups()
        model = re.search(r"SLUICE_MODEL=(\S+)", dockerfile).group(1)
        for name, pod, manifests in self.pods():
            with self.subTest(build=name):
                self.assertRegex(pod["containers"][0]["image"], rf"^(localhost/)?sluice:{re.escape(version())}(-cuda)?$")
                self.assertEqual(pod["securityContext"]["runAsUser"], int(user))
                self.assertEqual(pod["securityContext"]["runAsGroup"], int(group))
                self.assertEqual(yaml.safe_load(only(manifests, "ConfigMap")["data"]["sluiced.yaml"])["model"], model)


class Prometheus(unittest.TestCase):
    def test_the_configurations_load(self):
        for path in sorted((ROOT / "deploy/prometheus").glob("prometheus*.yml")):
            with self.subTest(file=path.name):
                code, output = run(PROMTOOL, "check", "config", path)
                self.assertEqual(code, 0, output)

    def test_the_rules_pass_their_tests(self):
        code, output = run(PROMTOOL, "test", "rules", "deploy/prometheus/rules_test.yml")
        self.assertEqual(code, 0, output)

    def test_every_alert_is_seen_to_fire_and_not_to_fire(self):
        fires, rests = set(), set()
        for test in yaml.safe_load((ROOT / "deploy/prometheus/rules_test.yml").read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                (fires if case["exp_alerts"] else rests).add(case["alertname"])
        alerts = {rule["alert"] for rule in expressions.rules("alert")}
        self.assertEqual(fires, alerts)
        self.assertEqual(rests, alerts)

    def test_every_alert_says_how_bad_it_is_and_what_to_do(self):
        for rule in expressions.rules("alert"):
            with self.subTest(alert=rule["alert"]):
                self.assertIn(rule["labels"]["severity"], ("critical", "warning"))
                self.assertTrue(rule["annotations"]["summary"])
                self.assertTrue(rule["annotations"]["description"])


class Dashboards(unittest.TestCase):
    def each(self):
        for path in expressions.DASHBOARDS:
            yield path.name, json.loads(path.read_text(encoding="utf-8"))

    def test_there_is_one(self):
        self.assertTrue(expressions.DASHBOARDS)

    def test_the_data_source_is_chosen_by_the_reader(self):
        for name, dashboard in self.each():
            with self.subTest(dashboard=name):
                self.assertIn(("datasource", "prometheus"), [(v["type"], v["query"]) for v in dashboard["templating"]["list"]])
                uids = set(re.findall(r'"uid": "([^"]*)"', json.dumps(dashboard))) - {dashboard["uid"]}
                self.assertEqual(uids, {"${datasource}"})

    def test_panels_have_units_a_description_and_a_place_of_their_own(self):
        for name, dashboard in self.each():
            taken, ids = {}, [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            for panel in dashboard["panels"]:
                place = panel["gridPos"]
                for x in range(place["x"], place["x"] + place["w"]):
                    self.assertLess(x, 24)
                    for y in range(place["y"], place["y"] + place["h"]):
                        self.assertNotIn((x, y), taken, f"{panel['title']} lies on {taken.get((x, y))}")
                        taken[x, y] = panel["title"]
            for panel in expressions.panels(dashboard):
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["description"])

    def test_queries_look_at_the_chosen_servers_and_the_window_that_fits_the_zoom(self):
        for where, expression in expressions.in_dashboards():
            with self.subTest(where=where):
                self.assertEqual(expression.count("$instance"), len(re.findall(r"\{", expression)))
                if "rate(" in expression:
                    self.assertIn("[$__rate_interval]", expression)


class Compose(unittest.TestCase):
    def test_it_starts_this_version_on_loopback_and_mounts_what_is_there(self):
        path = ROOT / "deploy/compose/compose.yaml"
        services = yaml.safe_load(path.read_text())["services"]
        self.assertEqual(services["sluice"]["image"], f"localhost/sluice:{version()}")
        targets = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
        self.assertIn("--admin=" + targets[0].replace("localhost", "127.0.0.1"), services["sluice"]["command"])
        for name, service in services.items():
            with self.subTest(service=name):
                self.assertEqual(service["network_mode"], "host")
                self.assertIn("127.0.0.1", json.dumps([service.get("command"), service.get("environment")]))
                for mount in service["volumes"]:
                    if mount.startswith("."):
                        self.assertTrue((path.parent / mount.split(":")[0]).is_dir(), mount)


class Dockerfile(unittest.TestCase):
    def test_hadolint_finds_nothing(self):
        code, output = run(HADOLINT, "--config", "deploy/hadolint.yaml", "Dockerfile")
        self.assertEqual(code, 0, output)


if __name__ == "__main__":
    unittest.main()
