"""Trailers that are kept cold, by SMS."""
