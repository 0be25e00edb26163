"""Starting, watching and ending the parts of a platform on one machine."""
