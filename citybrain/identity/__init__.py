"""Who may connect to the broker and what each may say: certificates, rights, and the broker's own files."""
