"""What a person brings as recordings: files, names, splits and transcripts."""
