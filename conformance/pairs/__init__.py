"""What people do with pairs of their own: look into one, ask all backends about one, carry pairs between backends."""
