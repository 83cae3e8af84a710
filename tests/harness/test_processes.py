import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from harness.processes import Processes, free_port, refuse_taken
from records.bad_input import BadInput

SERVER = textwrap.dedent("""
    import http.server, sys
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
""")


def python(code):
    return [sys.executable, "-c", code]


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(what, seconds=10):
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "never came true"
        time.sleep(0.02)


def test_a_process_is_ready_when_it_answers_and_gone_when_left(tmp_path):
    with Processes() as processes:
        server = processes.start("server", python(SERVER), tmp_path / "server.log")
        url = processes.await_url(server)
        assert url.startswith("http://127.0.0.1:")
        assert (server.cpu_s() or 0) >= 0

    assert not is_alive(server.child.pid)


def test_temporary_files_go_with_the_stack_also_of_one_that_cannot_tidy_up(tmp_path):
    """As of a proxy that is ended while it starts: its folder would hold a private key."""
    code = "import tempfile, time; print(tempfile.mkdtemp(), flush=True); time.sleep(60)"
    with Processes() as processes:
        process = processes.start("proxy", python(code), tmp_path / "proxy.log")
        wait_until(process.tail)
        scratch = Path(process.tail())
        assert scratch.is_dir()

    assert not scratch.exists() and not scratch.parent.exists()


def test_a_process_that_ends_early_shows_its_last_words(tmp_path):
    with Processes() as processes, pytest.raises(BadInput) as caught:
        processes.await_url(processes.start("model", python("raise SystemExit('no such model')"), tmp_path / "model.log"))

    assert "model: ended with exit code 1" in str(caught.value)
    assert "no such model" in str(caught.value)


def test_a_process_that_never_answers_is_given_up(tmp_path):
    with Processes() as processes, pytest.raises(BadInput) as caught:
        silent = processes.start("model", python("import time; print('warming up'); time.sleep(60)"), tmp_path / "model.log")
        processes.await_url(silent, deadline_s=0.5)

    assert "model: did not answer within 0.5 s" in str(caught.value)
    assert "warming up" in str(caught.value)
    assert not is_alive(silent.child.pid)


def test_a_process_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.processes.GRACE_S", 0.3)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    with Processes() as processes:
        process = processes.start("stubborn", python(stubborn), tmp_path / "log")
        wait_until(lambda: process.tail() == "up")

    assert process.child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tell a child that its parent died")
def test_children_end_when_we_are_killed(tmp_path):
    parent = textwrap.dedent(f"""
        import sys, time
        from pathlib import Path
        from harness.processes import Processes
        processes = Processes()
        child = processes.start("child", [sys.executable, "-c", "import time; time.sleep(60)"], Path({str(tmp_path)!r}) / "log")
        print(child.child.pid, flush=True)
        time.sleep(60)
    """)
    with subprocess.Popen(python(parent), stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        child = int(process.stdout.readline())
        assert is_alive(child)
        os.kill(process.pid, signal.SIGKILL)

    wait_until(lambda: not is_alive(child))


def test_free_ports_can_be_bound():
    assert len({free_port() for _ in range(5)}) > 1


def test_an_address_somebody_listens_on_is_refused():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(
            BadInput, match=f"--web-port: 127.0.0.1:{port} cannot be used: Address already in use. Name another"
        ):
            refuse_taken("--web-port", "127.0.0.1", port)
    refuse_taken("--web-port", "127.0.0.1", port)
    refuse_taken("--web-port", "*", port)
