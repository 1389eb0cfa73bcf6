"""NVIDIA's VoiceChat behind the frame contract: one model, a row for each call.

* ``choice``: what is asked for, as plain data; no torch;
* ``loading``: from that to an engine, on the device there is;
* ``engine``: rows in step; ``prefill``: their prompts; ``row``: one call around the model's frames;
* ``dictation``: sentences that the persona wants said, token by token;
* ``channels``: tokens as text; ``spoken``, ``heard``: the words of either side, and where they are;
* ``lines``: the persona's sentences.
"""
