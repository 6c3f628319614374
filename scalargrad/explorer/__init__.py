"""The live picture and its hosts: messages in; picture, numbers and rules out."""
