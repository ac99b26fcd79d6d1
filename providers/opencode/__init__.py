"""OpenCode Go."""
