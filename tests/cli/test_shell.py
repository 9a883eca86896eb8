"""In the shell: completion, and the help that every command gives."""

import os
import subprocess
import sys

import pytest

from stabkit.cli import main
from stabkit.cli.commands import cli

RUN = "import sys; sys.argv[0] = 'stabkit'; from stabkit.cli import run; run()"


def completed(*words, shell="bash_complete"):
    """What the shell is told when the last word is to be completed."""
    done = subprocess.run(
        [sys.executable, "-c", RUN], capture_output=True, text=True, check=False,
        env={**os.environ, "_STABKIT_COMPLETE": shell, "COMP_WORDS": " ".join(("stabkit", *words)),
             "COMP_CWORD": str(len(words))})
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("shell, word", [
    ("bash", "complete -o nosort -F"), ("zsh", "#compdef stabkit"),
    ("fish", "complete --no-files --command stabkit")])
def test_the_script_comes_out(shell, word):
    done = subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=False,
                          env={**os.environ, "_STABKIT_COMPLETE": f"{shell}_source"})
    assert word in done.stdout
    assert "_STABKIT_COMPLETE" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("words, found", [
    (("ver",), ["plain,verify"]),
    (("show", "alt2021.euclidean_st"), [
        "plain,alt2021.euclidean_stability",
        "plain,alt2021.euclidean_stability_without_sign_condition",
        "plain,alt2021.euclidean_stability_without_sign_condition_corrected"]),
    (("verify", "--bud"), ["plain,--budget"]),
    (("verify", "--claims", "mi"), ["file,mi"]),
    (("verify", "--executor", "da"), ["plain,dask", "plain,dask://"]),
    (("verify", "--backend", "num"), ["plain,numpy"]),
    (("replay", "verd"), ["file,verd"]),
])
def test_words_are_completed(words, found):
    assert completed(*words) == found


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_helps_with_an_example_in_eighty_columns(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert main([name, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Usage: stabkit {name}")
    examples = [line for line in lines if line.lstrip().startswith(f"stabkit {name}")]
    assert examples
    assert max(map(len, lines)) <= 80
