"""The clinician's page and the programming interface, served by `backrisk serve`.

Needs ``pip install 'backrisk[web]'``.
"""
