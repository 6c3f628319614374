"""What a picture becomes: SVG, TikZ, Typst, DOT, files."""
