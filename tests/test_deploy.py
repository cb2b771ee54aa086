"""The files of deploy/: what can be checked without a container engine or a cluster. nginx and PostgreSQL are checked by tests/scale."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolewise.settings import PROJECT_ROOT, Settings, variable
from tests.services import Nginx

DEPLOY = PROJECT_ROOT / "deploy"
VARIABLES = {variable(name) for name in Settings.__dataclass_fields__}
KUBERNETES = sorted((DEPLOY / "kubernetes").glob("*.yaml"))


def documents() -> list[dict[str, Any]]:
    return [document for file in KUBERNETES for document in yaml.safe_load_all(file.read_text()) if document]


def pods() -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, specification and kind of every pod."""
    for document in documents():
        kind, specification = document["kind"], document.get("spec", {})
        if kind == "CronJob":
            specification = specification["jobTemplate"]["spec"]
        if "template" in specification:
            yield document["metadata"]["name"], specification["template"]["spec"], kind


def test_every_variable_that_is_set_exists() -> None:
    words = "\n".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())
    assert not set(re.findall(r"\bROLEWISE_[A-Z_]+\b", words)) - VARIABLES


def test_no_secret_is_in_a_file() -> None:
    example = dict(
        line.split("=", 1) for line in (DEPLOY / "rolewise.env.example").read_text().splitlines() if line and not line.startswith("#")
    )
    assert example["ROLEWISE_SECRET"] == example["POSTGRES_PASSWORD"] == "" and ":PASSWORD@" in example["ROLEWISE_DATABASE"]
    assert not [document for document in documents() if document["kind"] == "Secret"]
    ignored = subprocess.run(["git", "check-ignore", "-q", "deploy/rolewise.env"], cwd=PROJECT_ROOT)
    assert ignored.returncode == 0


# -- nginx --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [{}, {"trusted": "192.0.2.0/24 0;"}], ids=["as it is", "trusted"])
def test_nginx_takes_its_configuration(files: dict[str, str]) -> None:
    nginx = Nginx([5005, 5006], **files)
    try:
        good, told = nginx.check()
        assert good, told
    finally:
        nginx.close()


def test_nginx_takes_its_configuration_with_tls() -> None:
    nginx = Nginx([5005])
    try:
        key, certificate = nginx.directory / "key.pem", nginx.directory / "fullchain.pem"
        make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=careers.example"]
        subprocess.run([*make, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
        for path in (key, certificate):
            nginx.own(path)
        tls = (DEPLOY / "nginx" / "listen-tls.conf").read_text().replace("/etc/rolewise/tls", str(nginx.directory))
        (nginx.directory / "listen.conf").write_text(tls)
        good, told = nginx.check()
        assert good, told
    finally:
        nginx.close()


# -- systemd ------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for file in (DEPLOY / "systemd").iterdir():
        text = file.read_text()
        # The programs are where they are installed to; here anything that can be run will do.
        (tmp_path / file.name).write_text(re.sub(r"/opt/rolewise/current/\S*(rolewise|wait-ready)\b", shutil.which("true") or "", text))
    units = [str(path) for path in tmp_path.iterdir() if path.suffix in (".service", ".timer", ".target")]
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True)
    told = [line for line in run.stderr.splitlines() if "rolewise" in line]
    assert run.returncode == 0 and not told, run.stderr


def test_a_systemd_process_is_nobody_and_limited() -> None:
    unit = (DEPLOY / "systemd" / "rolewise@.service").read_text()
    for line in ("User=rolewise", "NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always", "MemoryMax=", "EnvironmentFile="):
        assert f"\n{line}" in unit


@pytest.mark.parametrize("script", ["wait-ready", "rolling-restart"])
def test_the_scripts_can_be_read_by_bash(script: str) -> None:
    path = DEPLOY / "systemd" / script
    assert path.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(path)], check=True)


# -- compose ------------------------------------------------------------------------------------------------------------------


def test_every_service_of_compose_is_limited_probed_and_not_root() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    image = (DEPLOY / "Dockerfile").read_text()
    assert sum(name.startswith("rolewise-") for name in compose["services"]) == 3
    for name, service in compose["services"].items():
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        assert service["cap_drop"] == ["ALL"] and service["restart"] == "always"
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
        assert "healthcheck" in service or (service["image"] == "rolewise:1" and "HEALTHCHECK" in image)
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (DEPLOY / source).exists(), volume
    # Only nginx can be reached from outside.
    assert [name for name, service in compose["services"].items() if service.get("ports")] == ["nginx"]
    for file in ("upstreams.conf", "upstreams-after-all.conf"):
        names = re.findall(r"^server ([\w-]+):5005", (DEPLOY / "compose" / file).read_text(), re.MULTILINE)
        assert names == [name for name in compose["services"] if name.startswith("rolewise-")]


def test_nginx_knows_the_same_processes_twice() -> None:
    known = [
        re.findall(r"^server (\S+) ", (DEPLOY / "nginx" / f"upstreams{end}.conf").read_text(), re.MULTILINE) for end in ("", "-after-all")
    ]
    assert known[0] == known[1] and len(known[0]) == 3


# -- the image ----------------------------------------------------------------------------------------------------------------


def test_the_image_is_made_from_the_lock_and_runs_as_nobody() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    instructions = [line.split()[0] for line in re.sub(r"\\\n", " ", text).splitlines() if re.match(r"[A-Z]+ ", line)]
    assert instructions[0] == "FROM" and instructions.count("FROM") == 2 and instructions[-1] == "CMD"
    assert (
        "requirements.lock" in text
        and "scripts/bootstrap" in text
        and "--require-hashes" in (PROJECT_ROOT / "scripts/bootstrap").read_text()
    )
    last = text[text.rindex("FROM ") :]
    assert re.search(r"^USER (?!0)\d+:\d+$", last, re.MULTILINE) and 'CMD ["rolewise", "serve"]' in last
    # Everything that is copied passes .dockerignore.
    kept = {line[1:] for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((PROJECT_ROOT / name).exists() for name in kept)
    copied = {word.split("/")[0] for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]} - {"."}
    assert copied <= kept
    needed = {"config.yml", "domain.yml", "endpoints.yml", "credentials.yml", "data", "knowledge", "actions", "rolewise", "widget"}
    assert needed <= kept


# -- Kubernetes ---------------------------------------------------------------------------------------------------------------


def test_every_object_of_kubernetes_has_its_shape() -> None:
    versions = {
        "ServiceAccount": "v1", "Service": "v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1", "CronJob": "batch/v1",
        "PodDisruptionBudget": "policy/v1", "HorizontalPodAutoscaler": "autoscaling/v2", "Ingress": "networking.k8s.io/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
    }  # fmt: skip
    seen = set()
    for document in documents():
        kind, name = document["kind"], document["metadata"]["name"]
        assert document["apiVersion"] == versions[kind] and re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
        assert (kind, name) not in seen
        seen.add((kind, name))
    labels = {name: document["spec"]["template"]["metadata"]["labels"] for document in documents()
              if "template" in document.get("spec", {}) for name in [document["metadata"]["name"]]}  # fmt: skip
    for document in documents():
        selector = document.get("spec", {}).get("selector", {})
        selector = selector.get("matchLabels", selector)
        if selector and document["kind"] in ("Service", "Deployment", "StatefulSet", "PodDisruptionBudget"):
            assert any(selector.items() <= one.items() for one in labels.values()), document["metadata"]["name"]
        for rule in document.get("spec", {}).get("rules", []):
            for path in rule["http"]["paths"]:
                backend = path["backend"]["service"]["name"]
                assert ("Service", backend) in seen
        if document["kind"] == "HorizontalPodAutoscaler":
            target = document["spec"]["scaleTargetRef"]
            assert (target["kind"], target["name"]) in seen


def test_every_pod_is_limited_probed_and_not_root() -> None:
    found = list(pods())
    assert {name for name, _, _ in found} == {"rolewise", "rolewise-clean", "postgres", "redis"}
    for name, pod, kind in found:
        security = pod["securityContext"]
        assert security["runAsNonRoot"] and security["runAsUser"] > 0 and pod["automountServiceAccountToken"] is False, name
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= set(container["resources"]["limits"]) & set(container["resources"]["requests"])
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert ":" in container["image"] and not container["image"].endswith(":latest")
            if kind != "CronJob":
                assert {"startupProbe", "readinessProbe", "livenessProbe"} <= set(container)
            volumes = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes
            for one in container.get("env", []):
                assert set(one["valueFrom"]) == {"secretKeyRef"} if "valueFrom" in one else isinstance(one["value"], str), one


def test_a_stop_is_given_its_time() -> None:
    """The drain and the deadline of a turn are over before a process is killed."""
    (pod,) = [pod for name, pod, _ in pods() if name == "rolewise"]
    drain = float(next(one["value"] for one in pod["containers"][0]["env"] if one["name"] == "ROLEWISE_DRAIN"))
    assert drain + Settings.deadline < pod["terminationGracePeriodSeconds"]
    unit = (DEPLOY / "systemd" / "rolewise@.service").read_text()
    stop, drain = (float(found[1]) for name in ("TimeoutStopSec", "ROLEWISE_DRAIN") if (found := re.search(rf"{name}=(\d+)", unit)))
    assert drain + Settings.deadline < stop
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]["rolewise-1"]
    image = re.search(r"ROLEWISE_DRAIN=(\d+)", (DEPLOY / "Dockerfile").read_text())
    assert image and float(image[1]) + Settings.deadline < float(compose["stop_grace_period"].removesuffix("s"))
