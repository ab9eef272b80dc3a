"""What `gatewise new` does with a person's own files before there is a study."""
