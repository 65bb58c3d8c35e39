"""How a code base becomes questions with answers, by other means than the product's own."""
