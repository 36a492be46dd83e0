"""Who may do what: accounts, sessions, tokens, rights, and the audit of it all."""
