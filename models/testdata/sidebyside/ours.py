"""Processes that are asked over their standard input, a line of JSON each way:
our side, cmd/sidebyside, PyTorch's on a GPU, theirs.py, and JAX's, jaxside.py."""

import json
import os
import select
import subprocess
import time

REPOSITORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))


class Failed(RuntimeError):
    """The process answered that it could not, ended, or was stopped: its limit was over."""


class Process:
    def __init__(self, *command, name="our process", env=None):
        self.name, self.read = name, b""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)

    def says(self, seconds):
        """Whether it says something within so many seconds."""
        return b"\n" in self.read or bool(select.select([self.process.stdout], [], [], seconds)[0])

    def line(self, seconds):
        """The next line; without one in so many seconds the process is killed."""
        end = None if seconds is None else time.monotonic() + seconds
        out = self.process.stdout.fileno()
        while b"\n" not in self.read:
            if not select.select([out], [], [], None if end is None else max(0, end - time.monotonic()))[0]:
                self.kill()
                raise Failed(f"{self.name}: no answer within {seconds:.0f} s")
            chunk = os.read(out, 1 << 16)
            if not chunk:
                raise Failed(f"{self.name} ended; its message is above")
            self.read += chunk
        line, _, self.read = self.read.partition(b"\n")
        return json.loads(line)

    def ask(self, seconds=None, **request):
        try:
            self.process.stdin.write(json.dumps(request).encode() + b"\n")
            self.process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise Failed(f"{self.name} has ended") from None
        reply = self.line(seconds)
        if "error" in reply:
            raise Failed(f"{self.name}: {reply['error']}")
        return reply

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self, seconds=10):
        """Lets it end by itself, and gives back all that it holds either way."""
        try:
            self.process.stdin.close()
            self.process.wait(seconds)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.kill()


class Ours(Process):
    """program is that process's, built; without one Go builds it."""

    def __init__(self, folder, program=None, seconds=None, **open):
        if program is None:
            program = os.path.join(folder, "ours")
            subprocess.run(["go", "build", "-o", program, "./cmd/sidebyside"], cwd=REPOSITORY, check=True)
        super().__init__(program)
        try:
            self.opened = self.ask(seconds, do="open", dir=folder, **open)
        except Failed:
            self.close()
            raise

    def train(self, times, seconds=None):
        return self.ask(seconds, do="train", times=times)["seconds"]

    def sample(self, images, times, seconds=None):
        return self.ask(seconds, do="sample", images=images, times=times)["seconds"]
