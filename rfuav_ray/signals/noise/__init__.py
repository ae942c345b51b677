"""How strong the emitter of a recording is, and the recording with more noise. Knows no images."""
