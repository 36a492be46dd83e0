"""What City Brain asks of Ray before Ray is asked."""

from pathlib import Path

import pytest

from citybrain import rayconnect, rayenv
from citybrain.config import Ray, Settings
from citybrain.errors import Unavailable
from citybrain.up.ports import free_port


def test_a_cluster_that_does_not_answer_is_unavailable_in_one_sentence() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(Unavailable, match=rf"no Ray cluster answers at {address}.*set ray\.address"):
        rayconnect.connect(Settings(ray=Ray(address=address)))


def test_the_setting_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "b:2")
    assert rayenv.cluster_address(Settings()) == "b:2"
    assert rayenv.cluster_address(Settings(ray=Ray(address="a:1"))) == "a:1"


def test_only_the_owner_may_read_the_token_and_it_stays_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYBRAIN_DATA_DIR", str(tmp_path))
    texts = []
    for _ in range(2):
        for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
            monkeypatch.delenv(name, raising=False)
        rayconnect.local_token()
        texts.append((tmp_path / "ray_token").read_text())
    assert texts[0] == texts[1]
    assert (tmp_path / "ray_token").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["ray_token"]
