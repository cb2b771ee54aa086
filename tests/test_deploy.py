"""The files of deploy/: what can be checked without a container engine or a cluster. nginx and PostgreSQL are checked by tests/scale."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from rolewise.settings import PROJECT_ROOT, Settings, settings, variable
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


def enabled(root: Path) -> set[str]:
    """The units that a boot of this root starts: what multi-user and timers want, and what those want."""
    wanted = {"multi-user.target", "timers.target"}
    seen: set[str] = set()
    while wanted - seen:
        unit = (wanted - seen).pop()
        seen.add(unit)
        for directory in root.rglob(f"{unit}.wants"):
            wanted |= {link.name for link in directory.iterdir()}
    return seen


@pytest.mark.skipif(not shutil.which("systemctl"), reason="needs systemctl")
def test_after_a_reboot_all_that_the_page_enables_is_started(tmp_path: Path) -> None:
    page = (PROJECT_ROOT / "docs" / "deployment.md").read_text()
    (units,) = re.findall(r"^systemctl enable --now (.*)$", page, re.MULTILINE)
    assert "cp deploy/systemd/*.service deploy/systemd/*.timer deploy/systemd/*.target /etc/systemd/system/" in page
    directory = tmp_path / "etc" / "systemd" / "system"
    directory.mkdir(parents=True)
    for file in (DEPLOY / "systemd").iterdir():
        if file.suffix in (".service", ".timer", ".target"):
            shutil.copy(file, directory)
    run = subprocess.run(["bash", "-c", f"systemctl --root={tmp_path} enable {units}"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    processes = {f"rolewise{kind}@{port}.{end}" for port in (5005, 5006, 5007) for kind, end in (("", "service"), ("-live", "timer"))}
    assert processes | {"rolewise.target", "rolewise-clean.timer", "rolewise-nginx.service"} <= enabled(tmp_path)


# -- the Python of a service --------------------------------------------------------------------------------------------------

UV = """#!/usr/bin/env bash
# Stands for uv: `venv` takes Python as uv does.
case "$1" in
    --version) echo uv 0.9 ;;
    venv)
        if [ "${UV_PYTHON_PREFERENCE:-}" = only-managed ]; then python=$UV_PYTHON_INSTALL_DIR/bin/python3.10
        else python=$(type -P python3.10); fi
        mkdir -p .venv/bin && ln -s "$python" .venv/bin/python && echo "VIRTUAL_ENV='$PWD/.venv'" >.venv/bin/activate ;;
esac
"""


def bootstrapped(directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """scripts/bootstrap in a checkout of its own, in a home with pyenv; uv's own Python is in `python`."""
    for name in ("scripts", "tools", "rolewise/engine", "home/.pyenv/versions/3.10.1/bin", "python/bin"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    for name in ("requirements.lock", "pyproject.toml", "rolewise/engine/without_tensorflow.py"):
        (directory / name).touch()
    # One that the system has not got, whatever our own says.
    (directory / ".python-version").write_text("3.10\n")
    shutil.copy(PROJECT_ROOT / "scripts" / "bootstrap", directory / "scripts")
    uv = directory / "tools" / "uv"
    uv.write_text(UV)
    uv.chmod(0o755)
    for python in ("home/.pyenv/versions/3.10.1/bin/python3.10", "python/bin/python3.10"):
        program = directory / python
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o755)
    settings = {"PATH": f"{directory}/tools:/usr/bin:/bin", "HOME": str(directory / "home"), **environment}
    return subprocess.run([str(directory / "scripts" / "bootstrap")], env=settings, capture_output=True, text=True)


@pytest.fixture
def open_directory(tmp_path: Path) -> Iterator[Path]:
    """A checkout that everybody can get to, as under /opt; pytest's own directories are closed."""
    directory = Path(tempfile.mkdtemp(prefix="rolewise-", dir="/tmp"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def test_a_developer_takes_the_python_of_pyenv(open_directory: Path) -> None:
    run = bootstrapped(open_directory)
    assert run.returncode == 0, run.stderr
    assert "/home/.pyenv/" in str((open_directory / ".venv/bin/python").resolve())


def test_for_a_service_python_comes_from_the_directory_that_is_named(open_directory: Path) -> None:
    bootstrapped(open_directory)
    (open_directory / "home").chmod(0o700)
    run = bootstrapped(open_directory, UV_PYTHON_INSTALL_DIR=str(open_directory / "python"))
    assert run.returncode == 0, run.stderr
    assert (open_directory / ".venv/bin/python").resolve() == open_directory / "python/bin/python3.10"


def test_a_python_that_the_service_cannot_read_ends_the_setup(open_directory: Path) -> None:
    (open_directory / "python").mkdir(mode=0o700)
    run = bootstrapped(open_directory, UV_PYTHON_INSTALL_DIR=str(open_directory / "python"))
    assert run.returncode == 1 and "no Python 3.10 that everybody may read" in run.stderr
    assert not (open_directory / ".venv/.rolewise-stamp").exists()


# -- validators ---------------------------------------------------------------------------------------------------------------

CHECKS = str(PROJECT_ROOT / "scripts" / "checks")
# The oldest and the newest version whose schemas the validator brings.
KUBERNETES_VERSIONS = ("1.25.0", "1.37.0")
READ_COMPOSE = "import sys, compose_spec; compose_spec.PyCompose.from_yaml(sys.stdin.read()).to_spec()"


def checked(*command: str, text: str | None = None) -> tuple[bool, str]:
    """Whether a validator takes its input, and what it says."""
    run = subprocess.run([CHECKS, *command], input=text, capture_output=True, text=True, timeout=600)
    return run.returncode == 0, run.stdout + run.stderr


def taken_by_kubernetes(path: Path, version: str) -> bool:
    good, told = checked("kubernetes-validate", "--strict", "-k", version, str(path))
    print(told)
    # What it has no schema for it only warns of.
    return good and told.count(" passed for resource ") == len([document for document in yaml.safe_load_all(path.read_text()) if document])


def taken_by_compose(text: str) -> bool:
    return checked("python", "-c", READ_COMPOSE, text=text)[0]


def broken(path: Path, directory: Path, old: str, new: str) -> Path:
    """A copy of a file with a fault in it."""
    text = path.read_text()
    assert old in text
    copy = directory / path.name
    copy.write_text(text.replace(old, new, 1))
    return copy


@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("path", KUBERNETES, ids=lambda path: path.name)
def test_kubernetes_takes_the_manifests(path: Path, version: str) -> None:
    assert taken_by_kubernetes(path, version)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("envFrom:", "envfrom:"),
        ("kind: Deployment", "kind: Deploymint"),
        ("readinessProbe:", "readynessProbe:"),
        ("terminationGracePeriodSeconds: ", "terminationGracePeriodSeconds: about "),
    ],
)
def test_kubernetes_would_refuse_a_fault(old: str, new: str, tmp_path: Path) -> None:
    assert not taken_by_kubernetes(broken(DEPLOY / "kubernetes" / "rolewise.yaml", tmp_path, old, new), KUBERNETES_VERSIONS[-1])


def test_compose_takes_its_file() -> None:
    assert taken_by_compose((DEPLOY / "compose.yml").read_text())


@pytest.mark.parametrize(
    ("old", "new"), [("env_file:", "envfile:"), ("service_healthy", "healthy"), ("stop_grace_period: 30s", "stop_grace_period: soon")]
)
def test_compose_would_refuse_a_fault(old: str, new: str, tmp_path: Path) -> None:
    assert not taken_by_compose(broken(DEPLOY / "compose.yml", tmp_path, old, new).read_text())


def test_what_compose_names_is_in_the_file() -> None:
    """The validator reads each key by itself, not what it points at."""
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    for service in compose["services"].values():
        assert set(service["networks"]) <= set(compose["networks"])
        assert set(service.get("depends_on", [])) <= set(compose["services"])


def test_the_dockerfile_is_clean(tmp_path: Path) -> None:
    assert checked("hadolint", str(DEPLOY / "Dockerfile")) == (True, "")
    assert not checked("hadolint", str(broken(DEPLOY / "Dockerfile", tmp_path, "FROM ", "FORM ")))[0]


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
        "requirements-serve.lock" in text
        and "scripts/bootstrap --serve" in text
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


# The most that an installation for serving may take, in bytes.
MOST_INSTALLED = 1_100_000_000


def test_the_steps_of_the_image_make_an_installation_that_answers(tmp_path: Path, announce: Callable[[str], None]) -> None:
    announce("Installing what serves, by the steps of the image (about half a minute) ...")
    for line in re.findall(r"^COPY (?!--from)(.*)$", (DEPLOY / "Dockerfile").read_text().split("RUN scripts")[0], re.MULTILINE):
        *names, _ = line.split()
        for name in names:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            copy = shutil.copytree if (PROJECT_ROOT / name).is_dir() else shutil.copy
            copy(PROJECT_ROOT / name, tmp_path / name)
    subprocess.run([str(tmp_path / "scripts" / "bootstrap"), "--serve"], check=True)
    installed = {
        path.stat().st_ino: path.stat().st_size for path in (tmp_path / ".venv").rglob("*") if path.is_file() and not path.is_symlink()
    }
    assert sum(installed.values()) < MOST_INSTALLED
    for name in {line[1:] for line in (PROJECT_ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}:
        if (PROJECT_ROOT / name).is_dir():
            shutil.copytree(PROJECT_ROOT / name, tmp_path / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT_ROOT / name, tmp_path / name)
    environment = {**os.environ, "ROLEWISE_MODELS": str(settings().models), "ROLEWISE_CACHE": str(tmp_path / "cache")}
    asked = [str(tmp_path / ".venv" / "bin" / "rolewise"), "ask", "--jsonl"]
    line = '{"id": "1", "text": "what does a data scientist earn"}'
    run = subprocess.run(asked, input=line, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode == 0 and '"kind": "answer"' in run.stdout, run.stderr[-2000:]


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


def test_every_setting_reaches_every_process_that_reads_it() -> None:
    """rolewise.env is the secret on Kubernetes, the env_file of compose and the EnvironmentFile of systemd."""
    for name, pod, _ in pods():
        if name.startswith("rolewise"):
            assert pod["containers"][0]["envFrom"] == [{"secretRef": {"name": "rolewise"}}] and pod["enableServiceLinks"] is False
            fixed = {one["name"] for one in pod["containers"][0].get("env", [])}
            assert fixed <= {"HOST", "PORT", "ROLEWISE_CACHE", "ROLEWISE_PROXIES", "ROLEWISE_ADDRESS_LIMIT", "ROLEWISE_DRAIN"}
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]
    assert all(service["env_file"] == "rolewise.env" for name, service in compose.items() if name.startswith("rolewise-"))
    for unit in ("rolewise@.service", "rolewise-clean.service"):
        assert "EnvironmentFile=/etc/rolewise/rolewise.env" in (DEPLOY / "systemd" / unit).read_text()
    example = dict(line.split("=", 1) for line in (DEPLOY / "rolewise.env.example").read_text().splitlines() if re.match(r"\w", line))
    assert {"ROLEWISE_ORIGINS", "ROLEWISE_RETENTION_DAYS", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"} <= set(example)
    Settings.from_environment({name: value for name, value in example.items() if name not in ("ROLEWISE_DATABASE", "ROLEWISE_SECRET")})


def test_slack_can_be_called_from_every_container() -> None:
    (policy,) = [document for document in documents() if document["kind"] == "NetworkPolicy"]
    assert 443 in {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    for name, service in compose["services"].items():
        ways_out = [network for network in service["networks"] if not compose["networks"][network].get("internal")]
        assert bool(ways_out) == (name == "nginx" or name.startswith("rolewise-")), name


def test_only_the_autoscaler_says_how_many() -> None:
    scaled = {document["spec"]["scaleTargetRef"]["name"] for document in documents() if document["kind"] == "HorizontalPodAutoscaler"}
    assert scaled and not [
        d for d in documents() if d["kind"] == "Deployment" and d["metadata"]["name"] in scaled and "replicas" in d["spec"]
    ]


def test_nginx_of_compose_looks_names_up_again() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text())
    assert tuple(map(int, re.findall(r":(\d+)\.(\d+)", compose["services"]["nginx"]["image"])[0])) >= (1, 28)
    assert re.search(r"^resolver 127\.0\.0\.11 valid=\d+s", (DEPLOY / "compose" / "resolver.conf").read_text(), re.MULTILINE)
    for file in ("upstreams.conf", "upstreams-after-all.conf"):
        lines = re.findall(r"^server .*$", (DEPLOY / "compose" / file).read_text(), re.MULTILINE)
        assert lines and all(" resolve " in line for line in lines)
    assert any(volume.startswith("./compose/resolver.conf:") for volume in compose["services"]["nginx"]["volumes"])


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
