"""What an array may hold: rationals, enclosures, derivatives, transcripts, foreign floats."""
