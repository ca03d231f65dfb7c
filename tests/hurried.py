"""Few examples and no deadline: for tests that run again and again over changed code (`tests/mutants.py`)."""

import hypothesis

hypothesis.settings.register_profile("hurried", deadline=None, max_examples=30, database=None)
hypothesis.settings.load_profile("hurried")
