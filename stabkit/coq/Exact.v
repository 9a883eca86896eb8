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
