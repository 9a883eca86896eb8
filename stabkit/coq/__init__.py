"""Proofs for Coq: theorems "for all", and what they rest on, as files that it accepts.

``Stabkit.v``, ``Lines.v`` and ``Rings.v`` are a library of sums, vectors, matrices and lines, with
one lemma for each rule of :mod:`stabkit.proof`.  A file for a theorem holds its statement, written
with these, and the identity that the proof adds up; Coq checks it without stabkit.

==============  ==================================================================================
terms           expressions of the kernel's notation as terms of Coq, with their spaces
names           names of symbols that nothing else in a theorem has
context         the hypotheses of a statement, by name
addition        a goal as the sum of facts
induction       a goal after any number of steps
lines           rows of lines and grids of every size
pieces          functions of one variable in pieces
values          numbers, vectors and matrices of rational numbers as terms of Coq
calculations    evidence in rational numbers as calculations
files           whole files
folder          a folder of files that one command checks
==============  ==================================================================================
"""

from stabkit.coq.files import theorem
from stabkit.coq.folder import Calculated, Folder, Shown, folder, foreign

__all__ = ["Calculated", "Folder", "Shown", "folder", "foreign", "theorem"]
