"""The contract, and the files of the pages: read from here, and served as they are."""
