"""CC-Router, a local pool of logins."""
