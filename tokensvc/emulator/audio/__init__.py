"""PCM audio: sample rates, recordings, voice activity and utterances."""
