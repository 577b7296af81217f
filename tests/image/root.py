"""A root file system like that of an image, without an engine: what runs in it sees nothing else of this machine.

It is a directory with this machine's /usr and this Python at /usr/local, as in the official images, entered by
`unshare` and `chroot` with a process namespace of its own. Needs Linux and root. The base differs from the real one:
there is more in /usr than Debian's slim image has.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ETC = ("hosts", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "pip.conf", "resolv.conf", "ssl")
SEARCH_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(slots=True)
class Process:
    """How something is to run: its user, directory, environment, and what of the outside it gets to see.

    mounts: path in the root -> directory outside. read_only: the root cannot be written, but for the mounts and /tmp.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"
    user: str = "0:0"
    mounts: Mapping[str, Path] = field(default_factory=dict)
    read_only: bool = False


class Root:
    """A base with nothing but Debian and Python in it, to be changed by `run` and by whoever writes into `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("usr", "dev", "proc", "etc", "tmp", "var/lib", "root", "opt"):
            (path / name).mkdir(parents=True)
        for name in ("bin", "sbin", "lib", "lib64"):  # merged into /usr, as in Debian
            (path / name).symlink_to(f"usr/{name}")
        (path / "tmp").chmod(0o1777)
        for name in ETC:
            _copy(Path("/etc") / name, path / "etc" / name)
        (path / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
        (path / "etc" / "group").write_text("root:x:0:\n")
        self._local = path.with_name(f"{path.name}-usr-local")
        self._add_python()

    def _add_python(self) -> None:
        binaries, libraries = self._local / "bin", self._local / "lib"
        binaries.mkdir(parents=True)
        shutil.copytree(
            sysconfig.get_path("stdlib"),
            libraries / PYTHON,
            symlinks=True,
            ignore=shutil.ignore_patterns("test", "site-packages", "__pycache__"),
        )
        shutil.copy(Path(sys.base_prefix) / "bin" / PYTHON, binaries / PYTHON)
        for name in ("python", "python3"):
            (binaries / name).symlink_to(PYTHON)
        for shared in Path(sysconfig.get_config_var("LIBDIR")).glob(f"lib{PYTHON}*.so*"):
            shutil.copy(shared, libraries, follow_symlinks=False)
        self.run(["/bin/sh", "-c", "/sbin/ldconfig && python -m ensurepip --default-pip"])

    def command(self, arguments: Sequence[str], process: Process) -> list[str]:
        """The command that runs `arguments` as process 1 in this root."""
        user, _, group = process.user.partition(":")
        rights = ["--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"] if user != "0" else []
        environment = {"PATH": SEARCH_PATH, **process.environment}
        last = [
            *(
                "chroot",
                str(self.path),
                "/usr/bin/setpriv",
                f"--reuid={user}",
                f"--regid={group}",
                "--clear-groups",
                *rights,
            ),
            *("/usr/bin/env", f"--chdir={process.directory}", "-i", *(f"{k}={v}" for k, v in environment.items())),
            *arguments,
        ]
        script = "\n".join(["set -e", *self._mounts(process), f"exec {shlex.join(last)}"])
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", script]

    def _mounts(self, process: Process) -> list[str]:
        root = shlex.quote(str(self.path))
        lines = [
            f"mount --bind {root} {root}",
            f"mount --bind /usr {root}/usr",
            f"mount -o remount,bind,ro {root}/usr",
            f"mount --bind {shlex.quote(str(self._local))} {root}/usr/local",
            f"mount --rbind /dev {root}/dev",
            f"mount -t proc proc {root}/proc",
        ]
        for inside, outside in process.mounts.items():
            (self.path / inside.strip("/")).mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {shlex.quote(str(outside))} {root}{shlex.quote(inside)}")
        if process.read_only:
            lines += [f"mount -o remount,bind,ro {path}" for path in (root, f"{root}/usr/local")]
            lines.append(f"mount -t tmpfs -o mode=1777 tmpfs {root}/tmp")
        return lines

    def run(self, arguments: Sequence[str], process: Process | None = None) -> str:
        """Run to the end; standard output. Raises AssertionError with what was said if it fails."""
        done = subprocess.run(
            self.command(arguments, process or Process()), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (
            f"{shlex.join(arguments)}: {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )
        return done.stdout


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("private"))
    elif source.exists():
        shutil.copy(source, target)


def may_mount() -> bool:
    """Whether this process has the rights for it."""
    return (
        os.geteuid() == 0
        and subprocess.run(["unshare", "--mount", "--pid", "--fork", "true"], check=False).returncode == 0
    )
