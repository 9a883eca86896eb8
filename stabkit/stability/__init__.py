"""What "stable" means, and how it is decided: notions, properties, certificates, falsifiers."""
