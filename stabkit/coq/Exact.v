(* Calculations with rational numbers, vectors (lists of them) and matrices (lists of rows). *)

Require Export QArith Qabs Qminmax Qround List Bool.
Export ListNotations.
Open Scope Q_scope.

Definition less (a b : Q) : bool := negb (Qle_bool b a).

Definition zip (f : Q -> Q -> Q) (x y : list Q) : list Q :=
  map (fun p => f (fst p) (snd p)) (combine x y).
Definition zip_rows (f : Q -> Q -> Q) (A B : list (list Q)) : list (list Q) :=
  map (fun p => zip f (fst p) (snd p)) (combine A B).
Definition both (f : Q -> Q -> bool) (x y : list Q) : bool :=
  forallb (fun p => f (fst p) (snd p)) (combine x y).

Definition add (a b : Q) : Q := Qred (a + b).
Definition sub (a b : Q) : Q := Qred (a - b).
Definition mul (a b : Q) : Q := Qred (a * b).
Definition div (a b : Q) : Q := Qred (a / b).

Definition total (x : list Q) : Q := fold_right add 0 x.
Definition dot (x y : list Q) : Q := total (zip mul x y).
Definition column (j : nat) (A : list (list Q)) : list Q := map (fun r => nth j r 0) A.
Definition transposed (width : nat) (A : list (list Q)) : list (list Q) :=
  map (fun j => column j A) (seq 0 width).
Definition applied (A : list (list Q)) (x : list Q) : list Q := map (fun r => dot r x) A.
Definition product (width : nat) (A B : list (list Q)) : list (list Q) :=
  map (applied (transposed width B)) A.
Definition outer (x y : list Q) : list (list Q) := map (fun a => map (mul a) y) x.
Definition kron (A B : list (list Q)) : list (list Q) :=
  flat_map (fun r => map (fun s => flat_map (fun a => map (mul a) s) r) B) A.
Definition diagonal (x : list Q) : list (list Q) :=
  map (fun i => map (fun j => if Nat.eqb i j then nth i x 0 else 0) (seq 0 (length x)))
    (seq 0 (length x)).

Definition least (x : list Q) : Q := fold_right Qmin (hd 0 x) x.
Definition greatest (x : list Q) : Q := fold_right Qmax (hd 0 x) x.

Fixpoint changes (x : list Q) : Z :=
  match x with
  | a :: (b :: _) as y => ((if less (a * b) 0 then 1 else 0) + changes y)%Z
  | _ => 0%Z
  end.
Definition sign_changes (x : list Q) : Q :=
  inject_Z (changes (filter (fun a => negb (Qeq_bool a 0)) x)).

Definition sign (x : Q) : Q := if less 0 x then 1 else if less x 0 then -1 # 1 else 0.
Definition polyval (c : list Q) (x : Q) : Q := fold_right (fun a s => add a (mul x s)) 0 c.
Definition vec (width : nat) (A : list (list Q)) : list Q := concat (transposed width A).
Definition trace (A : list (list Q)) : Q :=
  total (map (fun i => nth i (nth i A []) 0) (seq 0 (length A))).

(* The root of a square; of other numbers something else, which a file compares. *)
Definition root (x : Q) : Q := Qmake (Z.sqrt (Qnum (Qred x))) (Pos.sqrt (Qden (Qred x))).

(* The determinant along the first column, with the sign s of the place. *)
Fixpoint det (n : nat) (A : list (list Q)) : Q :=
  match n with
  | O => 1
  | S m =>
    (fix along (above below : list (list Q)) (s : Q) : Q :=
      match below with
      | [] => 0
      | r :: rest => add (mul (mul s (hd 0 r)) (det m (map (@tl Q) (above ++ rest))))
                         (along (above ++ [r]) rest (Qopp s))
      end) [] A 1
  end.

(* What is left of a row s when the multiple of p that removes its first entry is taken away. *)
Definition removed (p s : list Q) : list Q :=
  zip sub (tl s) (map (mul (div (hd 0 s) (hd 0 p))) (tl p)).

(* A row that does not begin with 0, and the others. *)
Fixpoint picked (above below : list (list Q)) : option (list Q * list (list Q)) :=
  match below with
  | [] => None
  | r :: rest => if Qeq_bool (hd 0 r) 0 then picked (above ++ [r]) rest
                 else Some (r, above ++ rest)
  end.

(* The number of rows that elimination leaves. *)
Fixpoint rank (width : nat) (A : list (list Q)) : Q :=
  match width with
  | O => 0
  | S m => match picked [] A with
           | None => rank m (map (@tl Q) A)
           | Some (p, rest) => add 1 (rank m (map (removed p) rest))
           end
  end.

(* Gauss and Jordan: X with A X = B; a file checks the product. *)
Fixpoint eliminated (n : nat) (above below : list (list Q)) : list (list Q) :=
  match n with
  | O => above
  | S m => match picked [] below with
           | None => []
           | Some (p, rest) =>
             eliminated m (map (removed p) above ++ [map (fun x => div x (hd 0 p)) (tl p)])
                          (map (removed p) rest)
           end
  end.
Definition inverse (A : list (list Q)) : list (list Q) :=
  eliminated (length A) []
    (map (fun p => fst p ++ snd p) (combine A (diagonal (repeat 1 (length A))))).
