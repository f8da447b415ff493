"""The documentation site: its pages, and whether their links lead somewhere."""
