"""Moving in from another vendor: what its files tell is made here, once, and can be taken back."""
