#!/usr/bin/env python3
"""Installs a build of ralloc, moves the tree, and builds the consumer project against it,
first with CMake's find_package, then with pkg-config and a compiler alone."""
import argparse
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parent / "project"


def run(*command, **options):
    """Runs a command that must succeed; returns its standard output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False,
                          **options)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(words)}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def install(cmake, build, work):
    """Installs with a staging directory and then moves the tree: no path in it may be fixed.

    DESTDIR puts the prefix below itself, as packagers do."""
    run(cmake, "--install", build, "--prefix", "/opt/ralloc",
        env={**os.environ, "DESTDIR": str(work / "staging")})
    tree = work / "moved here"
    (work / "staging/opt/ralloc").rename(tree)
    return tree


def find_one(tree, pattern):
    """The only file of the tree that matches."""
    found = sorted(tree.glob(pattern))
    if len(found) != 1:
        sys.exit(f"expected one {pattern} in {tree}, found {found}")
    return found[0]


def require_relocatable(tree):
    """No text file of the tree may name the place where it was first installed."""
    for file in [*tree.glob("**/*.pc"), *tree.glob("**/*.cmake")]:
        if "/opt/ralloc" in file.read_text() or "staging" in file.read_text():
            sys.exit(f"{file} names the directory it was installed to")


def check_programs(programs, library):
    """Runs the three programs; each checks where its malloc comes from."""
    run(programs / "uses_drop_in", library)
    run(programs / "uses_static_drop_in", "static")
    run(programs / "uses_core")


def require_never_unloaded(plugin):
    """Hooks of threads and forks point into a plugin that has the library in it."""
    if "NODELETE" not in run("readelf", "-dW", plugin):
        sys.exit(f"{plugin} would be unmapped by dlclose")


def build_with_cmake(cmake, tree, work, library):
    build = work / "by-cmake"
    run(cmake, "-S", PROJECT, "-B", build, f"-DCMAKE_PREFIX_PATH={tree}",
        "-DCMAKE_BUILD_TYPE=Release", "-G", "Ninja")
    run(cmake, "--build", build)
    check_programs(build, library)
    for plugin in ("core", "ralloc_static"):
        require_never_unloaded(build / f"libplugin_with_{plugin}.so")


def build_with_pkg_config(compiler, tree, work, library):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(library.parent / "pkgconfig")}

    def flags(*arguments):
        return shlex.split(run("pkg-config", *arguments, env=environment))

    programs = work / "by-pkg-config"
    programs.mkdir()
    extra = shlex.split(os.environ.get("LDFLAGS", ""))
    drop_in, core = PROJECT / "uses_drop_in.cc", PROJECT / "uses_core.cc"
    compile_only = [compiler, "-std=c++20", "-O2"]
    run(*compile_only, drop_in, "-o", programs / "uses_drop_in",
        *flags("--cflags", "--libs", "ralloc"), f"-Wl,-rpath,{library.parent}", *extra)
    run(*compile_only, drop_in, "-o", programs / "uses_static_drop_in",
        *flags("--cflags", "ralloc"), "-Wl,--undefined=malloc,--undefined=sbrk",
        library.with_suffix(".a"), "-pthread", *extra)
    run(*compile_only, core, "-o", programs / "uses_core",
        *flags("--cflags", "--libs", "ralloc-core"), *extra)
    run(*compile_only, core, "-fPIC", "-shared", "-o", programs / "plugin_with_core.so",
        *flags("--cflags", "--libs", "ralloc-core"), *extra)
    require_never_unloaded(programs / "plugin_with_core.so")
    check_programs(programs, library)
    version = run("pkg-config", "--modversion", "ralloc", env=environment).strip()
    if not version or version != run("pkg-config", "--modversion", "ralloc-core",
                                     env=environment).strip():
        sys.exit(f"versions differ: {version}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--build", required=True, help="build tree to install from")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="consumer") as directory:
        work = pathlib.Path(directory).resolve()
        tree = install(arguments.cmake, arguments.build, work)
        require_relocatable(tree)
        library = find_one(tree, "lib*/**/libralloc*.so")  # a variant's name says which it is
        find_one(tree, "include/ralloc/ralloc.h")
        build_with_cmake(arguments.cmake, tree, work, library)
        build_with_pkg_config(arguments.compiler, tree, work, library)


if __name__ == "__main__":
    main()
