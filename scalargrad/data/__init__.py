"""The data sets that ship with scalargrad: see README.md here for sources and licences."""
