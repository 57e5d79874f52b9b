"""Serving from the shell: what stops it from starting, and that it answers."""

import socket
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from backrisk.cli import app as command_line
from backrisk.errors import BackriskError
from backrisk.web.limits import Limits


def said(*arguments):
    result = CliRunner().invoke(command_line, ["serve", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_mistakes_at_the_start_are_one_sentence_and_exit_code_2(posterior, tmp_path):
    model = posterior.save(tmp_path / "model.nc")
    torn = tmp_path / "torn.nc"
    torn.write_bytes(model.read_bytes()[:5000])
    code, text = said(torn, "--port", 0)
    assert code == 2
    assert "torn.nc" in text
    code, text = said(tmp_path / "none.nc", "--port", 0)
    assert code == 2
    assert "there is no such file" in text
    secret = "0123456789abcdef"
    for host in ("a..b", "a" * 64):
        code, text = said(model, "--port", 0, "--token", secret, "--host", host)
        assert code == 2
        assert "no name of a host has such a label" in text
    for token in (f"{secret}é", f"{secret}\n", f" {secret}"):
        code, text = said(model, "--port", 0, "--token", token)
        assert code == 2
        assert "printable ASCII" in text
    for seconds in ("inf", "nan", "1e300"):
        code, text = said(model, "--port", 0, "--seconds", seconds)
        assert code == 2
        assert "86400" in text or seconds == "nan"
        with pytest.raises(BackriskError, match="seconds, expected at most 86400"):
            Limits(question=float(seconds))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, text = said(model, "--port", taken.getsockname()[1])
    assert code == 2
    assert "choose another with --port" in text
    code, text = said(model, "--host", "0.0.0.0", "--port", 0)
    assert code == 2
    assert "needs a token" in text
    code, text = said(model, "--host", "0.0.0.0", "--token", "short")
    assert code == 2
    assert "at least 16 characters" in text


def test_serve_from_the_shell_answers_logs_and_stops(posterior, tmp_path):
    model = posterior.save(tmp_path / "model.nc")
    command = [sys.executable, "-c", "from backrisk.cli import main; main()"]
    process = subprocess.Popen(
        [*command, "serve", str(model), "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONUNBUFFERED": "1", "PATH": ""},
    )
    try:
        address = process.stdout.readline().split()[0]
        port = int(address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
            head = "POST /api/v1/risk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 52428800\r\n"
            connection.sendall(f"{head}\r\n".encode())
            assert b" 413 " in connection.recv(4096)
    finally:
        process.terminate()
        _, log = process.communicate(timeout=600)
    assert "POST /api/v1/risk 413" in log
    assert "Traceback" not in log
