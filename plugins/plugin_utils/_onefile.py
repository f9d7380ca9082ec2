# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes one file of a module of module_utils and all that it imports: a program for nodes that have Python alone.

The same sources make the same bytes, wherever and whenever, so a copy that is current is seen as such.

PRIVATE to the collection: may change at any time.
"""

from __future__ import annotations

import ast
import hashlib
import io
import json
import pathlib
import re
import sys
import typing as t
import zipfile

PACKAGE = "kubeops"
ROOT = pathlib.Path(__file__).resolve().parents[1] / "module_utils"
_MAIN = "import sys\n\nfrom {package}.{module} import main\n\nsys.exit(main({version!r}))\n"


class NotPortable(Exception):
    """A source imports what a node does not have."""


def build(module: str, python: str, root: pathlib.Path = ROOT) -> tuple[bytes, str]:
    """The file and its version. ``module`` has ``main(version)``; ``python``: the node's interpreter."""
    sources = closure(module, root)
    digest = hashlib.sha256(b"".join(name.encode() + b"\0" + text for name, text in sorted(sources.items())))
    version = f"kubeops.maintenance {release(root.parents[1])} ({digest.hexdigest()[:12]})"
    main = _MAIN.format(package=PACKAGE, module=module, version=version).encode()
    return f"#!{python} -I\n".encode() + _zip({"__main__.py": main, **sources}), version


def closure(module: str, root: pathlib.Path = ROOT) -> dict[str, bytes]:
    """File name -> content of the module, of whatever it imports in turn, and of the packages they are in."""
    found: dict[str, bytes] = {f"{PACKAGE}/__init__.py": b""}
    waiting = [tuple(module.split("."))]
    while waiting:
        path = _file(waiting.pop(), root)
        name = f"{PACKAGE}/{path.relative_to(root).as_posix()}"
        if name in found:
            continue
        found[name] = path.read_bytes()
        waiting += _imports(path, root)
        waiting += [path.relative_to(root).parts[:-1]] if path.parent != root else []
    return found


def release(collection: pathlib.Path) -> str:
    """The collection's version, as it stands in what was installed, or in a checkout."""
    manifest = collection / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    said = re.search(r"^version: (\S+)$", (collection / "galaxy.yml").read_text(encoding="utf-8"), re.MULTILINE)
    return said[1] if said else "of no version"


def _file(words: tuple[str, ...], root: pathlib.Path) -> pathlib.Path:
    place = root.joinpath(*words)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _imports(path: pathlib.Path, root: pathlib.Path) -> t.Iterator[tuple[str, ...]]:
    """The modules below ``root`` that a source names, wherever it does."""
    here = path.relative_to(root).parts[:-1]
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            _need_standard(path, [alias.name for alias in node.names])
        elif isinstance(node, ast.ImportFrom) and not node.level:
            _need_standard(path, [node.module or ""])
        elif isinstance(node, ast.ImportFrom):
            base = here[: len(here) + 1 - node.level] + tuple(node.module.split(".") if node.module else ())
            if base:
                yield base
            # A name may be a module of its own, or something that stands in the package.
            names = [(*base, alias.name) for alias in node.names]
            yield from (words for words in names if _file(words, root).is_file())


def _need_standard(path: pathlib.Path, names: t.Iterable[str]) -> None:
    for name in names:
        if name.partition(".")[0] not in sys.stdlib_module_names:
            raise NotPortable(f"{path}: imports {name}, which a node does not have")


def _zip(files: t.Mapping[str, bytes]) -> bytes:
    """Uncompressed: what zlib makes of the same bytes is not the same everywhere."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return content.getvalue()
