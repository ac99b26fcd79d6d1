"""What the tokens went to, from the session logs.  Handed the registry, never a provider folder."""
