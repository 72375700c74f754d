"""How files come in, for whatever they are uploaded: by a form, or piece by piece."""
