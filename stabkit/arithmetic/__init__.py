"""What an array may hold: rationals, enclosures, derivatives, transcripts, arrays of other libraries."""
