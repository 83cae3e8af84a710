"""What a caller sees of each fault: real clients, through the real proxy, against the embedded model."""
