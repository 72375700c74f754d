"""Pages for providers of sources: what is asked of them, uploading it, and what came of it."""
