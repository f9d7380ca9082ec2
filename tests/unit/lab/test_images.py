# Copyright (c) 2026, kubeops.maintenance contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Images as kubeadm wants them, written as OCI layouts."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import typing as t

import pytest
from ansible_collections.kubeops.maintenance.tests.lab.supply import images, oci, recipes

if t.TYPE_CHECKING:
    import pathlib


def test_images_have_the_names_and_tags_that_kubeadm_lists() -> None:
    made = images.images(
        [recipes.kubernetes("1.36.4")],
        [recipes.etcd("3.6.16")],
        [recipes.coredns("1.14.2"), recipes.pause("3.10.2"), recipes.web()],
    )
    assert {f"{image.name}:{image.tag}" for image in made} == {
        "kube-apiserver:v1.36.4",
        "kube-controller-manager:v1.36.4",
        "kube-scheduler:v1.36.4",
        "kube-proxy:v1.36.4",
        "etcd:3.6.16-0",
        "coredns:v1.14.2",
        "pause:3.10.2",
        "web:1.0.0",
        "shell:1.0.0",
    }


def test_etcd_comes_with_its_tools_and_kube_proxy_with_nft() -> None:
    etcd, proxy = (
        next(
            image
            for image in images.images([recipes.kubernetes("1.36.4")], [recipes.etcd("3.6.16")], [])
            if image.name == name
        )
        for name in ("etcd", "kube-proxy")
    )
    assert etcd.programs == ("etcd", "etcdctl", "etcdutl")
    assert "nftables" in proxy.debian


def test_a_layout_is_complete_and_the_same_each_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        oci, "compress", lambda tar, target: target.write_bytes(gzip.compress(tar.read_bytes(), mtime=0))
    )
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")

    def write(name: str) -> pathlib.Path:
        layout = oci.Layout(tmp_path / name, "amd64")
        layout.add_files({"/pause": program})
        layout.finish("3.10.2", {"Entrypoint": ["/pause"]})
        return tmp_path / name

    first, second = write("first"), write("second")
    assert sorted(str(file.relative_to(first)) for file in first.rglob("*")) == sorted(
        str(file.relative_to(second)) for file in second.rglob("*")
    )
    for blob in (first / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name

    def blob(descriptor: dict[str, t.Any]) -> bytes:
        content = (first / "blobs" / "sha256" / descriptor["digest"].partition(":")[2]).read_bytes()
        assert len(content) == descriptor["size"]
        return content

    index = json.loads((first / "index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]))
    config = json.loads(blob(manifest["config"]))
    tar = gzip.decompress(blob(manifest["layers"][0]))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(tar).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["/pause"]
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        (member,) = archive.getmembers()
        assert (member.name, member.mode, member.uid, member.mtime) == ("pause", 0o755, 0, 0)
