"""Rule policies: one file each, with its settings and its compiled `decide`; the file's name is the kind."""
