import pytest

from rfuav_ray.signals.metadata.quantities import parse, spelled


@pytest.mark.parametrize(
    ("text", "rate_hz"),
    [
        ("100000000", 100e6),
        ("100000000.000", 100e6),
        ("1e8", 100e6),
        ("1.000e8", 100e6),
        ("1E+08 Hz", 100e6),
        ("2x10^7", 20e6),
        ("2 * 10**7 Hz", 20e6),
        ("100000", 100e3),
        ("+20e6", 20e6),
        ("100 MHz", 100e6),
        ("100MHZ", 100e6),
        ("  100 mhz  ", 100e6),
        ("100 Mhz.", 100e6),
        ("2400 kHz", 2.4e6),
        ("2400 KHZ", 2.4e6),
        ("0.1 GHz", 100e6),
        ("48000 Hz", 48e3),
        ("100 MS/s", 100e6),
        ("100 Ms/s", 100e6),
        ("100 M S/s", 100e6),
        ("100Msps", 100e6),
        ("100 MSps", 100e6),
        ("20 MS", 20e6),
        ("250 ksps", 250e3),
        ("8000 sps", 8e3),
        ("8000 S/s", 8e3),
        ("20 MSa/s", 20e6),
        ("20 Msamples/s", 20e6),
        ("20 megahertz", 20e6),
        ("100M", 100e6),
        ("1e2 MHz", 100e6),
        ("100 兆赫", 100e6),
        ("100兆赫兹", 100e6),
        ("250 千赫", 250e3),
        ("0.1 吉赫", 100e6),
        ("100000000 赫兹", 100e6),
        ("2000万", 20e6),
        ("２０ ＭＨｚ", 20e6),
        ("20 ㎒", 20e6),
        ("20 МГц", 20e6),
        ("61,44 MHz", 61.44e6),
        ("0,125 GHz", 125e6),
        ("61.440 MHz", 61.44e6),
        ("1,000,000", 1e6),
        ("20,000,000 Hz", 20e6),
        ("20.000.000 Hz", 20e6),
        ("2.000.000,5", 2000000.5),
        ("2,000,000.5", 2000000.5),
        ("20 000 000 Hz", 20e6),
        ("20\u00a0000\u202f000 Hz", 20e6),
        ("20'000'000", 20e6),
        ("20’000’000 Hz", 20e6),
        ("20_000_000", 20e6),
    ],
)
def test_quantities_rates_of_one_reading_in_every_spelling(text, rate_hz):
    found = parse(text, "rate")
    assert found.value_hz == pytest.approx(rate_hz, rel=1e-12)
    assert not found.is_assumed


@pytest.mark.parametrize(
    ("text", "kind", "value_hz"),
    [
        ("20,000 kHz", "rate", 20e6),
        ("20.000 kHz", "rate", 20e6),
        ("2,400 kHz", "rate", 2.4e6),
        ("20,000 MHz", "rate", 20e6),
        ("100,000", "rate", 100e6),
        ("2,437 GHz", "frequency", 2.437e9),
        ("2,437 MHz", "frequency", 2.437e9),
        ("433,920 kHz", "frequency", 433.92e6),
        ("433,920 MHz", "frequency", 433.92e6),
        ("2,437", "frequency", 2.437e9),
        ("100", "rate", 100e6),
        ("61.44", "rate", 61.44e6),
        ("48000", "rate", 48e3),
        ("2.4", "frequency", 2.4e9),
        ("5.8", "frequency", 5.8e9),
        ("2440", "frequency", 2.44e9),
    ],
)
def test_quantities_of_several_readings_the_plausible_one_is_assumed(text, kind, value_hz):
    found = parse(text, kind)
    assert found.value_hz == pytest.approx(value_hz, rel=1e-12)
    assert found.is_assumed


@pytest.mark.parametrize(
    "text",
    [
        *("", "fast", "-100 MHz", "0", "nan", "inf", "1e999", "2 THz", "100 parsec", "10 20", "2e13", "5 GHz/s"),
        *("20 ms", "1_00", "1,00,000", "2.4-2.5 GHz", "1.2.3", "20 MHz or 40 MHz", "1,2.3,4"),
    ],
)
def test_quantities_what_is_no_rate_is_none(text):
    assert parse(text, "rate") is None


def test_quantities_zero_is_a_frequency():
    assert parse("0", "frequency").value_hz == 0 == parse("0.0 MHz", "frequency").value_hz


def test_quantities_a_unit_in_the_text_wins_over_the_given_one():
    assert parse("200000", "rate", unit=" MS/s ").value_hz == 200e9
    assert parse("500 kHz", "rate", unit="MHz").value_hz == 500e3
    assert parse("5", "rate", unit="parsec") is None


@pytest.mark.parametrize(
    ("value_hz", "kind", "text"),
    [
        (20e6, "rate", "20 MS/s"),
        (2.437e9, "frequency", "2.437 GHz"),
        (1.5e9, "rate", "1500 MS/s"),
        (5, "rate", "5 S/s"),
    ],
)
def test_quantities_are_spelled_for_people(value_hz, kind, text):
    assert spelled(value_hz, kind) == text
