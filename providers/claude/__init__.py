"""Claude Code.  Importing this imports nothing else: the status line lives here too."""
