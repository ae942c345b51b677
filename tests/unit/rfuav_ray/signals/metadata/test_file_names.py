import pytest

from rfuav_ray.signals.metadata.file_names import NameSays, parse


@pytest.mark.parametrize(
    ("stem", "rate_hz", "frequency_hz"),
    [
        ("x_2437000000Hz_40000000sps", 40e6, 2.437e9),
        ("SDRSharp_20200101_120000Z_433920000Hz_IQ", None, 433.92e6),
        ("HDSDR_20200101_120000Z_7100kHz_RF", None, 7.1e6),
        ("gqrx_20200101_120000_433920000_2400000_fc", 2.4e6, 433.92e6),
        ("g001_433.92M_250k", 250e3, 433.92e6),
        ("HackRF-20200101_120000-433_92MHz-2MSps-2MHz", 2e6, 433.92e6),
        ("baseband_433920000Hz_12-00-00_01-01-2020", None, 433.92e6),
        ("baseband_7100000Hz_12-00-00_01-01-2020", None, 7.1e6),
        ("dji_droneid_50MSps", 50e6, None),
        ("gps_l1_4MSps", 4e6, None),
        ("x_20MS_2.4GHz", 20e6, 2.4e9),
        ("20MSPS-2.437GHz", 20e6, 2.437e9),
        ("fs20e6", 20e6, None),
        ("drone_fs=20M_fc=2437MHz", 20e6, 2.437e9),
        ("x_fs_20MHz_2437MHz", 20e6, 2.437e9),
        ("samp_rate_2400000", 2.4e6, None),
        ("rate_2.4e6", 2.4e6, None),
        ("x_100ms_20MSps", 20e6, None),
        ("20msps", 20e6, None),
        ("pack_3_20MSps", 20e6, None),
        ("433p92MHz_2p4MSps", 2.4e6, 433.92e6),
        ("drone 2.4G", None, 2.4e9),
        ("TARANIS X9D+ 2.4GHz", None, 2.4e9),
        ("2_4GHz_drone", None, 2.4e9),
        ("capture_1_2437MHz", None, 2.437e9),
        ("IQ_2023-05-01_12-30-00_2437MHz", None, 2.437e9),
        ("x_2437MHz_bw20MHz", None, 2.437e9),
    ],
)
def test_file_names_of_programs_and_people(stem, rate_hz, frequency_hz):
    assert parse(stem) == NameSays(rate_hz, frequency_hz)


@pytest.mark.parametrize(
    "stem",
    [
        *("DJI Mini 4 Pro", "DJI AVATA2 pack1_0-1s", "FRSKY-X9DP2019", "Mavic 3M", "Matrice 4G", "FUTABA T14SG"),
        *(
            "a_20200101_120000",
            "frames_100000",
            "x_fs20200101",
            "x_fs2019",
            "x_cf32",
            "x_fc32",
            "baud_rate_115200",
        ),
        *("x_20ms", "x_10MSamples", "x_20M", "x_5G", "x_1.5G", "x_20MHz", "100MHz", "2400-2483MHz"),
        *("2.4GHz_5.8GHz", "x_2437", ""),
    ],
)
def test_file_names_of_no_or_several_readings_say_nothing(stem):
    assert parse(stem) == NameSays()


def test_file_names_may_have_a_suffix():
    for name in ("x_20MS_2.4GHz.cf32", "x_20MS_2.4GHz", "x_20MS_2.4GHz.sigmf-data"):
        assert parse(name) == NameSays(20e6, 2.4e9)


def test_file_names_with_two_rates_are_told_of():
    found = parse("x_20MS_50MSps_2.4GHz")
    assert (found.sample_rate_hz, found.center_frequency_hz) == (None, 2.4e9)
    assert found.remark == "its name states several sample rates, 20 MS/s and 50 MS/s"
    assert parse("x_20MS_20MSps").sample_rate_hz == 20e6
