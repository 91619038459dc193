"""A devnet with a keeper on it: what `keeper devnet up` and `keeper demo` set up and show."""
