"""Our side: the process of cmd/sidebyside, asked over its standard input."""

import json
import os
import subprocess

REPOSITORY = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../.."))


class Ours:
    """program is that process's, built; without one Go builds it."""

    def __init__(self, folder, program=None, **open):
        if program is None:
            program = os.path.join(folder, "ours")
            subprocess.run(["go", "build", "-o", program, "./cmd/sidebyside"], cwd=REPOSITORY, check=True)
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.opened = self.ask(do="open", dir=folder, **open)

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("our process ended; its message is above")
        reply = json.loads(line)
        if "error" in reply:
            raise SystemExit("our process: " + reply["error"])
        return reply

    def train(self, times):
        return self.ask(do="train", times=times)["seconds"]

    def sample(self, images, times):
        return self.ask(do="sample", images=images, times=times)["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()
