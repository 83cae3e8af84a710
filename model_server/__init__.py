"""The embedded provider: a model server with the API of Ollama, known physics, and answers that carry their own proof."""
