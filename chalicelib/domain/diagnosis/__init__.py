"""What the doctor makes of what it sees: each stage's answers in, findings with their remedies out."""
