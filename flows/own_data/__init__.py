"""The steps of `gatewise new` with your own files, before there is a study."""
