"""What a volume costs: pure integer rules and the immutable tariffs that carry their numbers."""
