"""The HTTP server: where it listens, whom it answers, and what. ``docs/http.md`` is its manual.

build      all of it, from the settings
site       listening and closing
guard      hosts, origins, tokens and scopes
problem    errors as ``application/problem+json``
tokens     whose token allows what; sessions: cookies in their place; login: trading one
tls        the certificate
health     ``/healthz`` and ``/readyz``
calls      ``/v1/calls``; artefacts: what a call leaves behind; events: as it happens
metrics    ``/metrics``
openapi    ``/openapi.json``
page       the console
whip       calls from browsers
"""
