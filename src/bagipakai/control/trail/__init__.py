"""The trail (jejak): what the office did, as a transparency log that others witness and nobody can rewrite."""
