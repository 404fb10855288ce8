"""The installed library: a stranger finds it with find_package and needs nothing of the daemon."""

import os
import subprocess

from daemon import ROOT, build_folder


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_an_example_outside_the_tree_builds_against_the_installed_library(folder):
    run("cmake", "--install", str(build_folder()), "--component", "library", "--prefix", str(folder / "prefix"))
    installed = {path.name for path in (folder / "prefix" / "include" / "thorlog").iterdir()}
    assert {"event.h", "framing.h", "thor.h", "reassembly.h", "identity.h"} <= installed
    flags = os.environ.get("EXAMPLE_CXXFLAGS", "")
    run("cmake", "-S", str(ROOT / "docs" / "example"), "-B", str(folder / "build"),
        f"-DCMAKE_PREFIX_PATH={folder / 'prefix'}", f"-DCMAKE_CXX_FLAGS={flags}")
    run("cmake", "--build", str(folder / "build"))

    head = "<190>Oct  8 11:37:54 arch/127.0.0.1 THOR: Info: MODULE: Startup MESSAGE: Thor Version: 10.8.0 SCANID: S-KybbdhFvHhc"
    json_line = '{"type":"THOR message","meta":{"level":"Info","module":"Startup","scan_id":"S-YQ9tIENkusM","hostname":"arch"},"message":"Thor '
    lines = f"{head}\n{json_line}\nVersion: 10.8.0\",\"fields\":{{}},\"log_version\":\"v3.0.0\"}}\n"
    rows = [row.split("\t") for row in run(str(folder / "build" / "join_lines"), input=lines).splitlines()]
    assert rows[0][:6] == ["thor", "arch", "S-KybbdhFvHhc", "info", "Startup", "1"]
    assert rows[1][:6] == ["thor", "arch", "S-YQ9tIENkusM", "info", "Startup", "2"]
    assert len(rows) == 2
