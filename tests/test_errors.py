"""The tree drawn in the docstring is the tree there is."""

import inspect
import pickle
import re

from aggregator import errors


def _tree() -> dict[str, int]:
    return {
        name: kind.exit_code
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.AggregatorError)
    }


def test_the_docstring_draws_every_error_with_its_exit_code():
    drawn = re.findall(r"^\W*([A-Z]\w+)(?:\s+(?:exit code )?(\d))?", errors.__doc__ or "", re.MULTILINE)
    names = {name: code for name, code in drawn if name in _tree()}
    assert set(names) == set(_tree())
    assert all(int(code) == _tree()[name] for name, code in names.items() if code)


def test_errors_cross_a_process_border_whole():
    error = pickle.loads(pickle.dumps(errors.BadStatus("http://a.example/f", "404 Not Found", 404)))
    assert (error.url, error.status, str(error)) == (
        "http://a.example/f",
        404,
        "http://a.example/f: 404 Not Found",
    )
