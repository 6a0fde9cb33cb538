"""The command line with the real small en→pt model as its firefox engine: `python smallmodel_cli.py MANIFEST once …`.

Everything else is the product's own: only the manifest, which names the model's files, is another.
"""

import functools
import sys
from pathlib import Path

from aggregator.translate import engines

if __name__ == "__main__":
    manifest = Path(sys.argv.pop(1))
    for name in ("ready", "why_not"):
        setattr(engines, name, functools.partial(getattr(engines, name), manifest=manifest))
    from aggregator.cli import main

    main()
