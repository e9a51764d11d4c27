"""Files and folders: whole or not there, each with one owner, with safe names, told by their content."""
