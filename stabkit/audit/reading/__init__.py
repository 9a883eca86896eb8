"""Reading a user's network: what a file says, turned into layers, one operator after the other."""
