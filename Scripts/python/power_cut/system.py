"""The small Linux that is booted: Debian's kernel, and an initramfs with the guest program."""
import gzip
import lzma
import os
import pathlib
import platform
import re
import shutil
import stat
import subprocess
import sys

# virtio_console is the port that tasks and acknowledgements go through. What a kernel has built in, or
# does not know under this name, is left out. ext4 of older kernels asks for crc32c by itself.
MODULES = ["virtio_pci", "virtio_blk", "virtio_console", "crc32c_generic"]
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"

INIT = """#!/bin/busybox sh
export PATH=/bin
export VARVE_MUTANT=MUTANT
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t devtmpfs dev /dev
for module in $(busybox cat /modules/order); do busybox insmod /modules/$module; done
for port in /sys/class/virtio-ports/*; do
  if [ "$(busybox cat $port/name)" = varve ]; then port=/dev/${port##*/}; break; fi
done
if ! busybox mount -t FILE_SYSTEM /dev/vda /disk; then
  echo "X the disk could not be mounted" >$port
else
  echo "W $(busybox cat /sys/block/vda/queue/write_cache)" >$port
  echo "V $(busybox uname -r)" >$port
  /lib/guest/loader --library-path /lib/guest /bin/guest $port /disk
  echo "X the guest program ended with status $?" >$port
fi
busybox sleep 1
busybox poweroff -f
"""


class Missing(Exception):
    """Something that this machine lacks and that could not be installed."""


def install(root, packages):
    """Installs Debian's packages, by the command that each brings, where they are missing."""
    if platform.machine() != "x86_64":
        raise Missing(f"only x86-64 is supported; this is {platform.machine()}")
    # Administrators' programs are not on everybody's path.
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [package for command, package in packages.items() if not shutil.which(command)]
    if missing:
        print(f"== Installing Debian packages: {' '.join(missing)}", flush=True)
        done = subprocess.run(["bash", "-c", 'source "$0"; install_debian "$@"', root / "Scripts/lib.sh", *missing],
                              stdout=sys.stderr)
        if done.returncode != 0:
            raise Missing(f"not there, and could not be installed: {' '.join(missing)}")


# Kernel --------------------------------------------------------------------------------------------

def fetch_kernel(folder, suite):
    """Debian's newest cloud kernel of `suite`, unpacked below `folder` and not installed."""
    place = folder / "kernel" / suite
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for package in download_kernel(place, folder / "apt" / suite, suite):
            run(["dpkg-deb", "-x", str(package), str(place)])
            package.unlink()
        (place / "complete").touch()
    images = sorted(place.glob("**/vmlinuz*"))
    modules = sorted(path for path in place.glob("**/lib/modules/*") if path.is_dir())
    if not images or not modules:
        raise Missing(f"Debian's kernel of {suite} has no image or no modules")
    return images[-1], modules[-1]


def download_kernel(place, state, suite):
    """apt with sources and lists of its own: the system's stay as they are."""
    if not pathlib.Path(KEYRING).exists() or not shutil.which("apt-get"):
        raise Missing("a Debian kernel needs apt-get and Debian's archive keyring")
    for part in ("lists/partial", "cache/archives/partial"):
        (state / part).mkdir(parents=True, exist_ok=True)
    sources = state / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {MIRROR} {suite} main\n")
    options = ["-o", f"Dir::Etc::sourcelist={sources}", "-o", "Dir::Etc::sourceparts=/dev/null",
               "-o", f"Dir::State::lists={state}/lists", "-o", f"Dir::Cache={state}/cache",
               # As root apt would change to a user that may not write here.
               "-o", "APT::Sandbox::User=root", "-q"]
    run(["apt-get", *options, "update"])
    # The package of this name only depends on the kernel, whose version is part of its name.
    found = run(["apt-cache", *options, "-t", suite, "depends", "--recurse", "--no-recommends",
                 "--no-suggests", "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances",
                 "linux-image-cloud-amd64"])
    parts = re.findall(r"^linux-(?:image|binary|modules)-[0-9]\S*-cloud-amd64$", found, re.MULTILINE)
    if not parts:
        raise Missing(f"Debian's {suite} has no cloud kernel for amd64")
    versions = {re.search(r"-([0-9][^-]*.*)-cloud", part).group(1) for part in parts}
    newest = max(versions, key=lambda text: [int(number) for number in re.findall(r"\d+", text)])
    run(["apt-get", *options, "download", *(part for part in parts if f"-{newest}-" in part)],
        folder=place)
    return list(place.glob("*.deb"))


def run(command, folder=None):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode != 0:
        words = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise Missing(f"{command[0]} failed: {words[-1] if words else done.returncode}")
    return done.stdout


# Initramfs -----------------------------------------------------------------------------------------

def make_initramfs(path, guest, modules, file_system, mutant=None):
    init = INIT.replace("FILE_SYSTEM", file_system).replace("=MUTANT", f"={mutant or 'none'}")
    archive = Archive()
    for folder in ("bin", "dev", "proc", "sys", "disk", "modules", "lib", "lib/guest"):
        archive.add(folder, stat.S_IFDIR | 0o755)
    archive.add("bin/busybox", stat.S_IFREG | 0o755, pathlib.Path(shutil.which("busybox")).read_bytes())
    archive.add("init", stat.S_IFREG | 0o755, init.encode())
    archive.add("bin/guest", stat.S_IFREG | 0o755, pathlib.Path(guest).read_bytes())
    for name, source in libraries(guest):
        archive.add(f"lib/guest/{name}", stat.S_IFREG | 0o755, source.read_bytes())
    order = []
    for name, content in module_files(modules, MODULES + [file_system]):
        archive.add(f"modules/{name}.ko", stat.S_IFREG | 0o644, content)
        order.append(f"{name}.ko")
    archive.add("modules/order", stat.S_IFREG | 0o644, "\n".join(order).encode())
    path.write_bytes(archive.finish())


def libraries(program):
    """What ldd names, under flat names; the loader as `loader`."""
    for line in run(["ldd", str(program)]).splitlines():
        words = line.split()
        if "=>" in words and words[-2] == "not":
            raise Missing(f"the guest program's library {words[0]} is not found")
        found = words[2] if "=>" in words and len(words) > 3 else words[0]
        if found.startswith("/"):
            path = pathlib.Path(found)
            yield ("loader" if path.name.startswith("ld-linux") else words[0].split("/")[-1]), path


def module_files(folder, names):
    """The modules and those that they depend on, which come first; those built in left out."""
    files = {re.sub(r"\.ko.*", "", path.name).replace("-", "_"): path for path in folder.glob("kernel/**/*.ko*")}
    loaded = {}

    def load(name):
        name = name.replace("-", "_")
        if name in loaded or name not in files:
            return
        content = unpacked(files[name])
        loaded[name] = None
        for dependencies in re.findall(rb"\0depends=([^\0]*)\0", content):
            for dependency in dependencies.decode().split(","):
                load(dependency)
        # A dependency stands before what needs it.
        del loaded[name]
        loaded[name] = content

    for name in names:
        load(name)
    return loaded.items()


def unpacked(path):
    if path.suffix == ".xz":
        return lzma.decompress(path.read_bytes())
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dcq", str(path)], check=True, capture_output=True).stdout
    return path.read_bytes()


class Archive:
    """cpio's "newc" format, which the kernel unpacks."""

    def __init__(self):
        self.parts = []
        self.count = 0

    def add(self, name, mode, content=b""):
        self.count += 1
        encoded = name.encode() + b"\0"
        fields = [self.count, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0]
        header = b"070701" + b"".join(b"%08X" % field for field in fields) + encoded
        self.parts += [self.padded(header), self.padded(content)]

    def finish(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self.parts)

    @staticmethod
    def padded(content):
        return content + b"\0" * (-len(content) % 4)


def make_disk(path, file_system, size):
    path.unlink(missing_ok=True)
    with open(path, "wb") as file:
        os.truncate(file.fileno(), size)
    if file_system == "ext4":
        # Nothing is left to be initialized behind the workload's back.
        run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(path)])
    else:
        run(["mkfs.xfs", "-q", "-f", str(path)])
