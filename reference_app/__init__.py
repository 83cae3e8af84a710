"""A resilient chat app on FastAPI and LangChain, as an adopter would write it."""

import os

# A load test must not send a trace a request to somebody's LangSmith because of a variable left in the shell.
os.environ.setdefault("LANGSMITH_TRACING", "false")
