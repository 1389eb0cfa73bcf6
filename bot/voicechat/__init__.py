"""NemotronVoiceChat (``nvidia/NVIDIA-NemotronLabs-VoiceChat-11B``) in PyTorch and transformers.

Imports torch, transformers, safetensors, tokenizers and numpy, and nothing else: it runs on a bare
GPU machine. Everything is batched by rows: see ``rows``.
"""
