"""What nobody thought of, drawn by seeds: programs, arguments, damaged pickles and files."""
