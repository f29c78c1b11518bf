"""Who calls: operators with sessions, programs with API keys, and the scopes that each may use."""
