"""The units that observations may have: codes of UCUM (unitsofmeasure.org), case-sensitive, by a list."""

import difflib
import re

from citybrain.errors import ConfigError

UNITS = {
    "Cel": "degree Celsius", "K": "kelvin", "[degF]": "degree Fahrenheit",
    "%": "percent", "1": "number without unit", "[ppm]": "parts per million", "[ppb]": "parts per billion",
    "[ppth]": "parts per thousand", "[pH]": "pH",
    "ug/m3": "microgram per cubic metre", "mg/m3": "milligram per cubic metre",
    "g/m3": "gram per cubic metre",
    "mg/L": "milligram per litre", "ug/L": "microgram per litre", "/cm3": "particles per cubic centimetre",
    "/m3": "particles per cubic metre",
    "Pa": "pascal", "hPa": "hectopascal", "kPa": "kilopascal", "mbar": "millibar", "bar": "bar",
    "m/s": "metre per second", "km/h": "kilometre per hour", "[kn_i]": "knot", "[mi_i]/h": "mile per hour",
    "m/s2": "metre per second squared",
    "m": "metre", "mm": "millimetre", "cm": "centimetre", "km": "kilometre", "um": "micrometre",
    "[ft_i]": "foot", "[in_i]": "inch",
    "mm/h": "millimetre per hour", "L/m2": "litre per square metre",
    "m2": "square metre", "m3": "cubic metre", "L": "litre", "mL": "millilitre",
    "m3/s": "cubic metre per second", "m3/h": "cubic metre per hour", "L/s": "litre per second",
    "L/min": "litre per minute", "L/h": "litre per hour",
    "g": "gram", "kg": "kilogram", "t": "tonne",
    "W/m2": "watt per square metre", "lx": "lux", "cd/m2": "candela per square metre", "lm": "lumen",
    "umol/m2/s": "micromole per square metre and second",
    "dB": "decibel", "dB[SPL]": "decibel of sound pressure",
    "V": "volt", "mV": "millivolt", "kV": "kilovolt", "A": "ampere", "mA": "milliampere", "Ohm": "ohm",
    "W": "watt", "kW": "kilowatt", "MW": "megawatt", "V.A": "volt ampere", "W.h": "watt hour",
    "kW.h": "kilowatt hour", "MW.h": "megawatt hour", "J": "joule", "kJ": "kilojoule", "MJ": "megajoule",
    "Hz": "hertz", "kHz": "kilohertz", "MHz": "megahertz", "/min": "per minute", "/h": "per hour",
    "/s": "per second", "/d": "per day",
    "deg": "degree of angle", "rad": "radian",
    "ms": "millisecond", "s": "second", "min": "minute", "h": "hour", "d": "day",
    "uS/cm": "microsiemens per centimetre", "mS/cm": "millisiemens per centimetre",
    "S/m": "siemens per metre", "Bq/m3": "becquerel per cubic metre",
    "uSv/h": "microsievert per hour", "nSv/h": "nanosievert per hour", "[iU]": "international unit",
}  # fmt: skip
"""Code and name."""

HABITS = {
    "°C": "Cel", "C": "Cel", "degC": "Cel", "°F": "[degF]", "F": "[degF]", "µg/m³": "ug/m3", "μg/m³": "ug/m3",
    "µg/m3": "ug/m3", "ug/m³": "ug/m3", "mg/m³": "mg/m3", "ppm": "[ppm]", "ppb": "[ppb]", "kWh": "kW.h",
    "Wh": "W.h", "kmh": "km/h", "mph": "[mi_i]/h", "lux": "lx", "l": "L", "dB(A)": "dB[SPL]",
    "dBA": "dB[SPL]", "°": "deg", "degrees": "deg", "m³": "m3", "m²": "m2", "percent": "%", "%RH": "%",
    "pH": "[pH]", "sec": "s", "VA": "V.A", "W/m²": "W/m2", "µS/cm": "uS/cm", "": "1",
}  # fmt: skip
"""What people write instead."""

_ANNOTATED = re.compile(r"(?P<unit>[^{}]*)\{[A-Za-z0-9_ -]{1,24}\}(?P<rest>/[a-z]+)?", re.ASCII)


def check_unit(code: str, where: str) -> str:
    """`code`, if it is a UCUM code that we know; a note in braces is allowed: `{vehicles}`, `{vehicles}/h`.

    Raises:
        ConfigError: names `where` it stands and the code that is probably meant.
    """
    note = _ANNOTATED.fullmatch(code)
    bare = (note["unit"] or "1") if note else code
    rest = (note["rest"] or "/s") if note else "/s"
    if bare in UNITS and rest in UNITS:
        return code
    meant = HABITS.get(code) or next(iter(difflib.get_close_matches(code, UNITS, 1, 0.5)), "")
    hint = f"did you mean {meant!r}" if meant else "see unitsofmeasure.org, or give a note such as {vehicles}"
    raise ConfigError(f"{where}: {code!r} is no UCUM unit that is known here; {hint}?")
