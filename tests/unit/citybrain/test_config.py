"""One TOML file, environment above it, every fault told at once."""

from pathlib import Path

import pytest

from citybrain.config import Camera, Settings, load, to_toml, validate
from citybrain.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "citybrain.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_file_and_environment_the_defaults_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert load(None, {}) == Settings()


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, '[street]\nspeed = 2.0\nscenario = "grid4x4"\n')
    settings = load(path, {"CITYBRAIN__STREET__SPEED": "5", "CITYBRAIN__SITE__NAME": "koeln"})
    assert (settings.street.speed, settings.street.scenario, settings.site.name) == (5, "grid4x4", "koeln")


def test_every_fault_is_told_at_once_with_key_value_bound_and_line(tmp_path: Path) -> None:
    path = write(
        tmp_path, "[street]\nspeed = -1\n\n[command]\nport = 99999\ncolour = 1\n\n[nonsense]\na = 1\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(path, {"CITYBRAIN__TRAFFIC__REGIONS": "many"})
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert f"{path} line 2: street.speed = -1: Expected `float` > 0.0" in lines[0]
    assert "line 5: command.port = 99999: Expected `int` <= 65535" in lines[1]
    assert "line 6: command.colour = 1: no such setting" in lines[2]
    assert "line 8: nonsense: no such section" in lines[3]
    assert "environment CITYBRAIN__TRAFFIC__REGIONS: traffic.regions = 'many'" in lines[4]


def test_a_file_that_is_no_toml_or_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not TOML"):
        load(write(tmp_path, "speed ="), {})
    with pytest.raises(ConfigError, match="cannot read the configuration"):
        load(tmp_path / "absent.toml", {})


def test_settings_survive_being_written(tmp_path: Path) -> None:
    settings = Settings(cameras={"north": Camera(source='rtsp://x/"y"', line=(0.0, 0.5, 1.0, 0.5))})
    assert load(write(tmp_path, to_toml(settings)), {}) == settings


def test_a_camera_that_sends_raw_pictures_needs_a_reason(tmp_path: Path) -> None:
    table = '[cameras.north]\nsource = "0"\nprivacy = "raw"\n'
    with pytest.raises(ConfigError, match=r"line 1: cameras\.north\.privacy_reason: is required"):
        load(write(tmp_path, table), {})
    with pytest.raises(ConfigError, match="privacy_reason"):
        validate(Settings(cameras={"north": Camera(source="0", privacy="raw", privacy_reason=" ")}))
    settings = load(write(tmp_path, table + 'privacy_reason = "test track"\n'), {})
    assert settings.cameras["north"].privacy == "raw"


def test_snmp_version_3_needs_a_user_and_two_keys(tmp_path: Path) -> None:
    table = '[signals.x]\ndriver = "ntcip1202"\nsnmp_version = "3"\n'
    with pytest.raises(ConfigError, match=r"signals\.x\.snmp_user: is required where snmp_version is 3"):
        load(write(tmp_path, table), {})
    table += 'snmp_user = "area"\nsnmp_auth_key = "long enough"\n'
    with pytest.raises(ConfigError, match=r"signals\.x\.snmp_privacy_key: needs 8 characters or more"):
        load(write(tmp_path, table), {})
    settings = load(write(tmp_path, table), {"CITYBRAIN__SIGNALS__X__SNMP_PRIVACY_KEY": "also long"})
    assert settings.signals["x"].snmp_privacy_key == "also long"


def test_a_camera_needs_a_source_and_a_good_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, '[cameras.north]\nfps = 5\n[cameras."no/slash"]\nsource = "x"\n'), {})
    assert "cameras.north.source: is required" in str(caught.value)
    assert "cameras.no/slash" in str(caught.value)


def test_a_stream_may_be_kept_for_a_time_of_its_own_by_file_and_environment(tmp_path: Path) -> None:
    file = tmp_path / "city.toml"
    file.write_text("[ingest]\nretain_days = {signal_state = 30}\n", encoding="utf-8")
    loaded = load(file, {"CITYBRAIN__INGEST__RETAIN_DAYS__TURNING_COUNT": "60"})
    assert loaded.ingest.retain_days == {"signal_state": 30, "turning_count": 60}
    file.write_text(to_toml(loaded), encoding="utf-8")
    assert load(file, {}) == loaded
    with pytest.raises(ConfigError, match="retain_days"):
        load(None, {"CITYBRAIN__INGEST__RETAIN_DAYS__SIGNALS": "60"})
    with pytest.raises(ConfigError, match=">= 9"):
        load(None, {"CITYBRAIN__INGEST__RETAIN_DAYS__SIGNAL_STATE": "3"})
