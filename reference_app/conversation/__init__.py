"""Conversations: sessions with a history, and a graph with checkpoints. Nobody sees a conversation of somebody else."""
