"""The recording behind the demo's podcast entry: two soft notes, computed rather than shipped."""

import io
import math
import wave

_RATE = 8000  # samples a second
_NOTES = (523.25, 659.25)  # Hz: C5, E5
_SECONDS = 0.6  # a note


def _note(pitch: float) -> bytes:
    count = int(_RATE * _SECONDS)
    fade = (1 - sample / count for sample in range(count))
    tone = (math.sin(2 * math.pi * pitch * sample / _RATE) for sample in range(count))
    return bytes(round(128 + 60 * loudness * height) for loudness, height in zip(fade, tone, strict=True))


def _recording() -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(1)
        writer.setframerate(_RATE)
        writer.writeframes(b"".join(_note(pitch) for pitch in _NOTES))
    return file.getvalue()


CHIME = _recording()
