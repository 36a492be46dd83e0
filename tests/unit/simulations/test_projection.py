import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.errors import ConfigError
from simulations.projection import PLANE_ORIGIN, projection_of

UTM = "+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs"
COLOGNE_OFFSET = (-342498.65, -5630866.92)


def test_a_point_of_cologne_lies_where_sumo_says() -> None:
    # libsumo.simulation.convertGeo(14057.43, 18072.20) on cologne8
    lon, lat = projection_of(UTM, COLOGNE_OFFSET).to_lon_lat(14057.43, 18072.20)
    assert lon == pytest.approx(6.956799203468918, abs=1e-7)
    assert lat == pytest.approx(50.974163713466744, abs=1e-7)


@given(x=st.floats(100_000, 900_000), y=st.floats(0, 9_000_000))
def test_utm_there_and_back_is_the_same_point(x: float, y: float) -> None:
    projection = projection_of(UTM, (0.0, 0.0))
    assert projection.to_xy(*projection.to_lon_lat(x, y)) == pytest.approx((x, y), abs=0.05)


def test_a_network_without_a_projection_is_laid_on_the_documented_plane() -> None:
    plane = projection_of("!", (75.0, 75.0))
    assert plane.to_lon_lat(75.0, 75.0) == PLANE_ORIGIN
    lon, lat = plane.to_lon_lat(75.0, 1075.0)
    assert lon == PLANE_ORIGIN[0]
    assert (lat - PLANE_ORIGIN[1]) * 111_195 == pytest.approx(1000, rel=1e-3)


def test_degrees_stay_degrees() -> None:
    assert projection_of("+proj=longlat +datum=WGS84", (-6.0, -50.0)).to_lon_lat(0.5, 0.25) == (6.5, 50.25)


def test_an_unknown_projection_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"\+proj=merc"):
        projection_of("+proj=merc", (0.0, 0.0))
