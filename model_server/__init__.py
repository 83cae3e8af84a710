"""The embedded provider: Ollama's and OpenAI's APIs, known physics, and answers that carry their own proof."""
