"""A plant from nothing: its administrator by command line; site, machine, signals and a limit over HTTP.

Starts a simulated plant and the product on a throw-away data folder. The same calls configure an installation
of your own; `/docs` there lists them all.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

PASSWORD = "a passphrase of your own"
SIGNALS = {"COMP-001.Vibration": ("vibration", "mm/s"), "COMP-001.FT-5021": ("flow", "kSm³/h")}


def command(home: Path, *words: str) -> dict[str, Any]:
    environment = {**os.environ, "OPTRIA_HOME": str(home), "OPTRIA_LOG_LEVEL": "ERROR"}
    return {"args": [sys.executable, "-m", "optria", *words], "env": environment, "text": True}


@contextmanager
def running(home: Path, *words: str) -> Iterator[str]:
    """A program beside this one, and the first line it says."""
    asked = command(home, *words)
    with subprocess.Popen(**asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        try:
            yield program.stdout.readline().strip() if program.stdout else ""
        finally:
            program.terminate()


def first_account(home: Path) -> None:
    """What cannot be made over HTTP, because nobody may sign in yet."""
    email = "admin@jubail.example"
    tenant = ["tenant", "add", "JUBAIL", "Jubail Gas Plant"]
    person = ["user", "add", "--tenant", "JUBAIL", "--role", "tenant_admin", "--email", email]
    subprocess.run(**command(home, *tenant), check=True)
    subprocess.run(**command(home, *person, "--password-stdin"), input=PASSWORD, check=True)


class Api:
    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=address, timeout=60, trust_env=False)

    def __call__(self, method: str, path: str, body: object = None) -> Any:
        answer = self._client.request(method, path, json=body)
        if answer.is_error:
            raise SystemExit(f"{method} {path}: {answer.json()['detail']}")
        return answer.json()


def configure(api: Api, source: dict[str, object]) -> int:
    """A compressor with its connection, signals and a limit of its vibration; its id."""
    site = {"code": "JUB-1", "name": "Jubail Train 1", "time_zone": "Asia/Riyadh"}
    site_id = api("POST", "/api/assets/sites", site)["site"]["id"]
    machine = {"site_id": site_id, "code": "COMP-001", "name": "Gas Compressor", "asset_type": "Compressor"}
    asset_id: int = api("POST", "/api/assets/", machine)["asset"]["id"]

    settings = {"integration_type": "pi", "config": source}
    print("tried before it is stored:", api("POST", "/api/integrations/probe", settings)["message"])
    made = api("POST", "/api/integrations/", {"name": "PI of train 1", **settings})["integration"]
    print("stored, its password sealed:", made["config"]["password"])
    tags = api("GET", f"/api/integrations/{made['id']}/available-tags")["tags"]
    print(f"it offers {len(tags)} tags, such as {tags[0]}")
    mappings = [
        {"asset_id": asset_id, "external_tag": tag, "internal_metric_name": metric, "unit": unit}
        for tag, (metric, unit) in SIGNALS.items()
    ]
    api("POST", "/api/integrations/mappings/bulk", {"integration_id": made["id"], "mappings": mappings})

    limit = {"asset_id": asset_id, "metric": "vibration", "direction": "high", "limit_value": 7.1}
    proposed = api("POST", "/api/config/thresholds", {**limit, "severity": "CRITICAL"})
    approved = api("POST", f"/api/config/thresholds/{proposed['id']}/approve")
    print("limit:", proposed["status"], "->", approved["status"])
    return asset_id


def live_values(api: Api, asset_id: int) -> Any:
    """What the running product reads of the asset. It takes new configuration up without a restart."""
    for _ in range(120):
        assets = api("GET", "/api/twins/summary")["assets"]
        values = next(asset["live_values"] for asset in assets if asset["id"] == asset_id)
        if len(values) == len(SIGNALS):
            return values
        time.sleep(0.5)
    raise SystemExit("No values have come within a minute.")


def source_of(home: Path) -> dict[str, object]:
    """Where the simulated plant's PI Web API is, and how to sign in to it."""
    told = json.loads((home / "simulator.json").read_text("utf-8"))
    return {"endpoint_url": told["pi_url"], "username": told["pi_user"], "password": told["pi_password"]}


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    home = Path(folder)
    with running(home, "simulate", "--with-parent"), running(home, "serve", "--port", "0") as said:
        first_account(home)
        api = Api(said.split()[-1])
        api("POST", "/api/auth/login", {"email": "admin@jubail.example", "password": PASSWORD})
        asset_id = configure(api, source_of(home))
        for metric, value in live_values(api, asset_id).items():
            print("live:", metric, value["value"], value["unit"])
        deeds = api("GET", "/api/audit-logs?limit=4")["audit_logs"]
        print("written down:", ", ".join(deed["action"] for deed in deeds))
