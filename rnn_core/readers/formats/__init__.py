"""Forms in which tables are stored, a module each; see `rnn_core.readers.table_files`."""
