"""A repository with a project and its pipeline as ``init`` writes them, and clones of it as the runners of jobs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from provisioner.scaffold.files import scaffold
from tests.acceptance.support import ORG, SECRETS, Project, Result, basic

Started = Callable[[subprocess.Popen[str]], None]
"""Acts on a step that has begun."""


def git(folder: Path, environ: Mapping[str, str], *args: str) -> str:
    done = subprocess.run(["git", *args], cwd=folder, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()  # with the line ends that are there


class Runner(Project):
    """A fresh, shallow clone, as a pipeline makes one for each job. ``environ`` is the same for all steps."""

    def git(self, *args: str) -> str:
        return git(self.folder, self.environment(), *args)

    def shell(
        self,
        script: str,
        environ: Mapping[str, str] | None = None,
        started: Started | None = None,
        command: tuple[str, ...] = ("sh", "-e", "-c"),
    ) -> Result:
        """Run a script. It is the first process of its group."""
        with subprocess.Popen(
            [*command, script],
            cwd=self.folder,
            env=self.environment(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        ) as process:
            if started:
                started(process)
            out, err = process.communicate(timeout=60)
        return self._keep(Result(process.returncode, out, err))

    def files(self) -> dict[str, bytes]:
        """Return the files in the folder of the state, by path."""
        return {f"state/{path.name}": path.read_bytes() for path in self.folder.glob("state/*")}

    def state_of(self, target: str) -> dict[str, str]:
        """The recorded ids, by key."""
        text = (self.folder / f"state/{target}.json").read_text("utf-8")
        return {key: record["id"] for key, record in json.loads(text)["records"].items()}


class Repository:
    """A bare repository and its author: definitions, the pipeline, and branches that hold the state."""

    def __init__(self, folder: Path, url: str, pipeline: str, targets: tuple[str, ...]) -> None:
        config = folder / "gitconfig"
        # Converted line ends would break the seals of the journal: the script must keep bytes as they are.
        config.write_text("[core]\n\tautocrlf = true\n[init]\n\tdefaultBranch = main\n", "utf-8")
        self.environ = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(folder),
            "GIT_CONFIG_GLOBAL": str(config),
            "GIT_CONFIG_NOSYSTEM": "1",
            "CI": "true",
            "PYTHON": "true",  # ci/install has nothing to do: the command is on the path
        }
        self.folder = folder
        self.targets = targets
        self.origin = folder / "origin.git"
        self.runners: list[Runner] = []
        git(folder, self.environ, "init", "--quiet", "--bare", str(self.origin))
        self.git("config", "uploadpack.allowAnySHA1InWant", "true")
        git(folder, self.environ, "clone", "--quiet", str(self.origin), "author")
        self.author = Runner(folder / "author", self.environ)
        for path, text in scaffold(pipeline, targets).items():
            self.author.write(path, text)
        self.author.write("provisioner.txt", f"provisioner @ git+https://git.example.com/p.git@{'a' * 40}\n")
        (self.author.folder / "connections/orders.yaml").unlink()
        self.point_to(url)

    def point_to(self, url: str, **more: object) -> None:
        """Write the project file: every target at this address, each with a sandbox of its own name."""
        place = {"org_id": ORG, "endpoint": url, "ims_endpoint": url}
        self.author.project_file({name: {**place, "sandbox": name, **more} for name in self.targets}, self.targets[0])

    def define(self, *keys: str) -> None:
        """Commit definitions to the main branch."""
        for key in keys:
            self.author.define(key, basic(key))
        self.commit(f"Define {', '.join(keys)}")

    def commit(self, subject: str, branch: str = "main") -> str:
        """Commit everything that the author changed, and push it. Returns the commit."""
        self.author.git("add", "--all")
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        self.author.git(*identity, "commit", "--quiet", "--allow-empty", "--message", subject)
        self.author.git("push", "--quiet", "origin", f"HEAD:{branch}")
        return self.author.git("rev-parse", "HEAD").strip()

    def runner(self, commit: str = "main") -> Runner:
        """Return a clone with a branch or a commit checked out."""
        name = f"runner-{len(self.runners) + 1}"
        git(self.folder, self.environ, "clone", "--quiet", "--depth", "1", self.origin.as_uri(), name)
        runner = Runner(self.folder / name, dict(self.environ))
        runner.git("fetch", "--quiet", "--depth", "1", "origin", commit)
        runner.git("checkout", "--quiet", "FETCH_HEAD")
        self.runners.append(runner)
        return runner

    def git(self, *args: str) -> str:
        return git(self.origin, self.environ, *args)

    def kept(self, target: str) -> dict[str, bytes]:
        """Return the files on the state branch of a target, by path."""
        branch = f"provisioner-state/{target}"
        paths = self.git("ls-tree", "-r", "--name-only", branch).splitlines()
        return {path: self.git("cat-file", "blob", f"{branch}:{path}").encode() for path in paths}


@contextmanager
def repository_for(
    folder: Path, url: str, pipeline: str = "github", targets: tuple[str, ...] = ("prod",)
) -> Iterator[Repository]:
    """Afterwards no secret is on any screen, in any runner's files, nor in anything that was ever pushed."""
    repository = Repository(folder, url, pipeline, targets)
    yield repository
    seen = [result.out + result.err for runner in repository.runners for result in runner.results]
    seen += [repository.git("log", "--all", "--patch", "--format=fuller")]
    assert not [secret for secret in SECRETS for text in seen if secret in text]
    assert [runner.leaks() for runner in repository.runners] == [[] for _ in repository.runners]
