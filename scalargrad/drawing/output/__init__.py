"""What a picture becomes: SVG, DOT, files."""
