"""The documentation's site: pages made of texts that live beside the code, and links that fit both places."""
