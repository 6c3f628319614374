"""The walkthrough: a page that steps through a graph, with sliders and a quiz."""
