"""Which scalargrad this is, and which pickles and files it writes and reads."""

__version__ = "0.1.0"

#: of pickles: core/pickles.py refuses another one
PICKLE_VERSION = 2

#: of the texts of `to_json`
GRAPH_VERSION = 1

#: of the files of `Module.save`
FILE_VERSION = 1
