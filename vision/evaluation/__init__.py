"""How well vision counts and follows, against truth that people made."""
