# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes container images as OCI layouts: a folder with blobs by digest, one manifest, one configuration."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
import typing as t
from pathlib import Path

from ..process import run

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
EPOCH = "1970-01-01T00:00:00Z"


class Layout:
    """An image under construction."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self.folder = folder
        self.architecture = architecture
        self.blobs = folder / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        self.layers: list[dict[str, t.Any]] = []
        self.diff_ids: list[str] = []

    def add_tar(self, tar: Path) -> None:
        """A layer from a tar file, compressed as fast as possible: it only travels through one machine."""
        compressed = self.folder / "layer.zst"
        compress(tar, compressed)
        digest = sha256(compressed)
        compressed.rename(self.blobs / digest)
        self.layers.append(self._descriptor(LAYER, digest))
        self.diff_ids.append(f"sha256:{sha256(tar)}")

    def add_files(self, files: t.Mapping[str, Path]) -> None:
        """A layer of executables: path in the image -> file."""
        tar = self.folder / "layer.tar"
        with tarfile.open(tar, "w", format=tarfile.GNU_FORMAT) as archive:
            for place, source in files.items():
                member = archive.gettarinfo(source, place.lstrip("/"))
                member.uid = member.gid = member.mtime = 0
                member.uname = member.gname = ""
                member.mode = 0o755
                with source.open("rb") as content:
                    archive.addfile(member, content)
        self.add_tar(tar)
        tar.unlink()

    def finish(self, tag: str, settings: t.Mapping[str, t.Any]) -> None:
        config = {
            "created": EPOCH,
            "architecture": self.architecture,
            "os": "linux",
            "config": dict(settings),
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(CONFIG, config),
            "layers": self.layers,
        }
        entry = {**self._blob(MANIFEST, manifest), "annotations": {"org.opencontainers.image.ref.name": tag}}
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
        (self.folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))

    def _blob(self, media_type: str, content: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        text = json.dumps(content, sort_keys=True).encode()
        digest = hashlib.sha256(text).hexdigest()
        (self.blobs / digest).write_bytes(text)
        return self._descriptor(media_type, digest)

    def _descriptor(self, media_type: str, digest: str) -> dict[str, t.Any]:
        size = os.path.getsize(self.blobs / digest)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def compress(tar: Path, target: Path) -> None:
    run("zstd", "-q", "-1", "-T0", tar, "-o", target)


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
