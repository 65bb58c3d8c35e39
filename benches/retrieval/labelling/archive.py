"""Archives of code bases: fetched by the registries' own clients, checked, and unpacked."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path, PurePosixPath


class Wrong(Exception):
    """What went wrong, in a sentence."""


def source(pin, archives, directory):
    """Writes what is taken of a code base into `directory`."""
    if pin["registry"] == "directory":
        shutil.copytree(pin["package"], directory)
        return
    archive = fetched(pin, archives)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != pin["sha256"]:
        archive.unlink()
        raise Wrong(f"{archive.name} has the digest {digest}, not the pinned one: nothing of it was kept")
    unpack(archive, directory, pin["take"])


def fetched(pin, archives):
    """The archive, from `archives` if it was fetched before."""
    archives.mkdir(parents=True, exist_ok=True)
    ending = "crate" if pin["registry"] == "crates" else "tar.gz" if pin["registry"] == "python" else "tgz"
    archive = archives / f"{pin['package']}-{pin['version']}.{ending}"
    if not archive.exists():
        with tempfile.TemporaryDirectory(dir=archives) as scratch:
            found = CLIENTS[pin["registry"]](pin["package"], pin["version"], Path(scratch))
            shutil.move(found, archive)
    return archive


def crate(package, version, scratch):
    """Cargo's copy of a crate; `cargo fetch` of a manifest that depends on it brings one where there is none."""
    home = Path(os.environ.get("CARGO_HOME") or Path.home() / ".cargo")
    pattern = f"registry/cache/*/{package}-{version}.crate"
    if not any(home.glob(pattern)):
        manifest = f'[package]\nname = "throw-away"\nversion = "0.0.0"\n\n[dependencies]\n{package} = "={version}"\n'
        (scratch / "Cargo.toml").write_text(manifest)
        (scratch / "src").mkdir()
        (scratch / "src/lib.rs").touch()
        run("cargo", "fetch", "--quiet", cwd=scratch)
    found = next(home.glob(pattern), None)
    if found is None:
        raise Wrong(f"cargo fetched {package} {version}, and it is not in {home}")
    return shutil.copy(found, scratch)


def sdist(package, version, scratch):
    """A source distribution, by pip."""
    arguments = ["--quiet", "--no-deps", "--no-binary=:all:", "--dest", ".", f"{package}=={version}"]
    run(sys.executable, "-m", "pip", "download", *arguments, cwd=scratch)
    return next(scratch.glob("*.tar.gz"))


def tarball(package, version, scratch):
    """A package of npm."""
    run("npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}", cwd=scratch)
    return next(scratch.glob("*.tgz"))


CLIENTS = {"crates": crate, "python": sdist, "npm": tarball}


def run(program, *arguments, cwd, stdin=None):
    """What a program says; a sentence if it fails."""
    try:
        done = subprocess.run([program, *arguments], cwd=cwd, input=stdin, capture_output=True, check=False)
    except OSError as error:
        raise Wrong(f"{program} cannot be started: {error.strerror}") from error
    if done.returncode:
        raise Wrong(f"{program} failed: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return done.stdout


def unpack(archive, directory, take):
    """Writes the plain files below `take`, without the archive's top directory."""
    with tarfile.open(archive) as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            inner = PurePosixPath(*path.parts[1:])
            if not member.isfile() or path.is_absolute() or ".." in path.parts:
                continue
            if any(inner.is_relative_to(one) for one in take):
                target = directory / inner
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
