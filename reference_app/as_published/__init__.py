"""The app of the published articles on langchain-community, repaired only where it cannot start: APP_FEATURES=as_published.

Written anew from what the articles say, by the names of the APIs: none of their text is here. What had to be repaired is in
repairs.py; what starts stays as it is, also where it never does what it is there for. docs/articles-revisited.md tells.
"""
