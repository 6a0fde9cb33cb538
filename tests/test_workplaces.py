"""Where work may be done, as settings name it."""

import pytest

from aggregator.workplaces import Workplace, read


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("inline:", Workplace(kind="inline")),
        ("processes:12", Workplace(kind="processes", count=12)),
        ("dask:tcp://dask.example:8786", Workplace(kind="dask", scheduler_url="tcp://dask.example:8786")),
        ("dask:tls://[::1]:8786", Workplace(kind="dask", scheduler_url="tls://[::1]:8786")),
        (
            "dask:tcp://10.0.0.1:8786?gpu=1&memory=0.5",
            Workplace(
                kind="dask", scheduler_url="tcp://10.0.0.1:8786", resources=(("gpu", 1.0), ("memory", 0.5))
            ),
        ),
    ],
)
def test_what_is_named_is_read(spec: str, place: Workplace):
    assert read(spec) == place


@pytest.mark.parametrize(
    "spec",
    [
        "", "inline", "inline:2", "processes:", "processes:0", "processes:1000", "processes:-1", "threads:2",
        "dask:", "dask:dask.example:8786", "dask:tcp://dask.example", "dask:http://dask.example:8786",
        "dask:tcp://dask.example:8786?", "dask:tcp://dask.example:8786?gpu", "dask:tcp://dask.example:8786?gpu=0",
        "dask:tcp://dask.example:8786?gpu=1&gpu=2", "dask:tcp://dask.example:8786/x", "dask:tcp://a b:1",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_was_expected(spec: str):
    with pytest.raises(ValueError, match=r"expected inline:, processes:N .* or dask:tcp://host:port"):
        read(spec)


def test_resources_are_said_as_they_are_written():
    assert read("dask:tcp://a:1?gpu=1&memory=0.5").wanted == "gpu=1&memory=0.5"
