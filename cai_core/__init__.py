"""The core of Ratify: everything but the screen. See docs/architecture.md for who may call whom."""

__version__ = "0.1.0"
