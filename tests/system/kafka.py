"""A real Apache Kafka in a folder of its own, on loopback: KRaft, broker and controller in one process. Fetched once from
Maven Central by tests/kafka/pom.xml into build/tools/kafka."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import ROOT, build_folder
from net import free_port
from wait import SLOWNESS, wait_until

LIBRARIES = ROOT / "build" / "tools" / "kafka" / "libs"
USER, PASSWORD = "thor", "secretOfThor"
CLUSTER = "MkU3OEVBNTcwNTJENDM2Qk"
JAVA = ["-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]


def fetch() -> None:
    """The broker's jars; skips the test, loudly, where they can't be had."""
    if not shutil.which("java"):
        pytest.skip("SKIPPED: no java; run tests/tools/install-packages test")
    if any(LIBRARIES.glob("kafka_*.jar")):
        return
    if not shutil.which("mvn"):
        pytest.skip("SKIPPED: no mvn to fetch Apache Kafka with; run tests/tools/install-packages test")
    fresh = LIBRARIES.with_name(f"libs.{os.getpid()}")
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(ROOT / "tests" / "kafka" / "pom.xml"), "dependency:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    if done.returncode != 0 or not any(fresh.glob("kafka_*.jar")):
        shutil.rmtree(fresh, ignore_errors=True)
        pytest.skip(f"SKIPPED: Apache Kafka could not be fetched from Maven Central: {done.stdout[-300:]}")
    if not LIBRARIES.exists():
        fresh.rename(LIBRARIES)


def tool(*words: str, text: str | None = None, ok: bool = True) -> str:
    done = subprocess.run([str(build_folder() / "tests" / "kafka_tool"), *map(str, words)], input=text,
                          capture_output=True, text=True, timeout=60 * SLOWNESS)
    if ok:
        assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout if done.returncode == 0 else ""


class Broker:
    def __init__(self, folder: Path, number: int = 1, voters: dict[int, int] | None = None):
        self.folder, self.number = folder, number
        self.port, self.secure_port = free_port(), free_port()
        self.voters = voters or {number: free_port()}
        self.properties = folder / "server.properties"
        self.certificate = folder / "certificate.pem"
        self.process: subprocess.Popen | None = None
        folder.mkdir(parents=True)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def secure_address(self) -> str:
        return f"localhost:{self.secure_port}"

    def _java(self, *words: str) -> list[str]:
        return ["java", *JAVA, "-cp", f"{LIBRARIES}/*", *words]

    def prepare(self) -> "Broker":
        key = self.folder / "key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", self.certificate],
                       check=True, capture_output=True)
        store = self.folder / "store.pem"
        store.write_text(key.read_text() + self.certificate.read_text())
        copies = min(len(self.voters), 3)
        listeners = f"PLAIN://127.0.0.1:{self.port},SECURE://localhost:{self.secure_port}"
        self.properties.write_text(f"""
process.roles=broker,controller
node.id={self.number}
controller.quorum.voters={','.join(f'{number}@127.0.0.1:{port}' for number, port in self.voters.items())}
listeners={listeners},CONTROLLER://127.0.0.1:{self.voters[self.number]}
advertised.listeners={listeners}
listener.security.protocol.map=PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAIN
controller.listener.names=CONTROLLER
log.dirs={self.folder}/data
num.network.threads=2
num.io.threads=2
background.threads=2
offsets.topic.num.partitions=1
offsets.topic.replication.factor={copies}
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
unclean.leader.election.enable=false
broker.session.timeout.ms=6000
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";
ssl.keystore.type=PEM
ssl.keystore.location={store}
""")
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER, "-c", str(self.properties), "--add-scram",
                       f"SCRAM-SHA-256=[name={USER},password={PASSWORD}]"),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120 * SLOWNESS)
        assert done.returncode == 0, done.stdout + done.stderr
        return self

    def start(self, wait: bool = True) -> "Broker":
        assert not self.running()
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(self._java("kafka.Kafka", str(self.properties)), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, brokers: int = 1) -> None:
        wait_until(lambda: len(tool(self.address, "ready", ok=False).split()) >= brokers or not self.running(),
                   f"broker {self.number} to answer", 90, pause=0.2)
        assert self.running(), (self.folder / "log").read_text()[-3000:]

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.running():
            self.process.terminate()
            try:
                self.process.wait(30 * SLOWNESS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    # -- questions --

    def create(self, topic: str, partitions: int = 1, copies: int = 1, *settings: str) -> str:
        tool(self.address, "create", topic, str(partitions), str(copies), *settings)
        return topic

    def count(self, topic: str) -> int:
        return int(tool(self.address, "count", topic, ok=False) or 0)

    def each(self, topic: str) -> Iterator[dict]:
        """Everything in it; its text lies in memory, its rows are made one by one."""
        return map(json.loads, io.StringIO(tool(self.address, "read", topic)))

    def read(self, topic: str) -> list[dict]:
        return list(self.each(topic))

    def write(self, topic: str, lines: list[str]) -> None:
        tool(self.address, "write", topic, text="".join(line + "\n" for line in lines))


def secure_settings(broker: Broker, mechanism: str = "PLAIN") -> dict[str, str]:
    return {"security.protocol": "sasl_ssl", "sasl.mechanisms": mechanism, "sasl.username": USER,
            "sasl.password": PASSWORD, "ssl.ca.location": str(broker.certificate)}
