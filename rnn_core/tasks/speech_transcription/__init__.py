"""Speech transcription: which words or letters were spoken in a recording, in order."""
