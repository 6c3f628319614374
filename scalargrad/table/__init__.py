"""The operations, one row each, and what is written from them: Python, C, JavaScript, words."""
