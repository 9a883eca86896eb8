(* Whether a symmetric matrix of rational numbers is positive (semi)definite: a program for
   vm_compute, and the proof that its word holds. *)

Require Export Exact.
Require Import Lqa Lia Setoid.

Local Arguments dot : simpl never.
Local Arguments Qplus : simpl never.
Local Arguments Qmult : simpl never.
Local Arguments Qdiv : simpl never.

Definition form (A : list (list Q)) (x : list Q) : Q := dot x (applied A x).
Definition square (n : nat) (A : list (list Q)) : Prop :=
  length A = n /\ Forall (fun r => length r = n) A.

(* What the other rows are once the first one is removed from them. *)
Fixpoint definite (strict : bool) (n : nat) (A : list (list Q)) : bool :=
  match n, A with
  | S m, (a :: r) :: B =>
    both Qeq_bool r (map (hd 0) B) &&
    (if less 0 a then definite strict m (map (removed (a :: r)) B)
     else negb strict && Qeq_bool a 0 && forallb (Qeq_bool 0) r && definite strict m (map (@tl Q) B))
  | _, _ => true
  end.
Definition psd (A : list (list Q)) : bool := definite false (length A) A.
Definition pd (A : list (list Q)) : bool := definite true (length A) A.

Lemma less_ok a b : less a b = true <-> a < b.
Proof.
  unfold less. rewrite Bool.negb_true_iff. split; intro H.
  - apply Qnot_le_lt. intro L. apply Qle_bool_iff in L. congruence.
  - destruct (Qle_bool b a) eqn:E; auto. apply Qle_bool_iff in E. lra.
Qed.

Lemma square_ok (x : Q) : 0 <= x * x.
Proof. destruct (Qlt_le_dec x 0); nra. Qed.

Lemma dot_cons a x b y : dot (a :: x) (b :: y) == a * b + dot x y.
Proof.
  change (dot (a :: x) (b :: y)) with (add (mul a b) (dot x y)). unfold add, mul.
  rewrite !Qred_correct. reflexivity.
Qed.

Lemma dot_nil x : dot x [] == 0.
Proof. destruct x; reflexivity. Qed.

Lemma dot_sym x y : dot x y == dot y x.
Proof.
  revert y. induction x as [| a x IH]; intros [| b y]; try reflexivity.
  rewrite !dot_cons, IH. ring.
Qed.

Lemma dot_minus k s r y : length s = length r ->
  dot (zip sub s (map (mul k) r)) y == dot s y - k * dot r y.
Proof.
  revert r y. induction s as [| a s IH]; intros [| b r] y H; try discriminate; simpl in H.
  - change (0 == 0 - k * 0). ring.
  - destruct y as [| c y]; [rewrite !dot_nil; ring |].
    change (zip sub (a :: s) (map (mul k) (b :: r)))
      with (sub a (mul k b) :: zip sub s (map (mul k) r)).
    rewrite !dot_cons, IH by congruence. unfold sub, mul. rewrite !Qred_correct. ring.
Qed.

Lemma dot_same y r h : both Qeq_bool r h = true -> length r = length h -> dot y r == dot y h.
Proof.
  revert y h. induction r as [| a r IH]; intros y [| b h] B L; try discriminate; [reflexivity |].
  destruct y as [| c y]; [reflexivity |]. unfold both in B. simpl in *.
  apply andb_prop in B as [E B]. apply Qeq_bool_eq in E.
  rewrite !dot_cons, E, (IH y h B) by congruence. reflexivity.
Qed.

Lemma dot_zeros r y : forallb (Qeq_bool 0) r = true -> dot r y == 0.
Proof.
  revert y. induction r as [| a r IH]; intros [| b y] H; try reflexivity. simpl in H.
  apply andb_prop in H as [E H]. apply Qeq_bool_eq in E. rewrite dot_cons, <- E, IH by auto. ring.
Qed.

Lemma rows_cons z B t y : Forall (fun s => s <> []) B ->
  dot z (map (fun s => dot s (t :: y)) B)
  == t * dot z (map (hd 0) B) + dot z (map (fun s => dot s y) (map (@tl Q) B)).
Proof.
  revert z. induction B as [| s B IH]; intros z F; simpl; [rewrite !dot_nil; ring |].
  inversion F as [| ? ? N F']; subst. destruct z as [| c z]; [change (0 == t * 0 + 0); ring |].
  destruct s as [| d s]; [congruence |]. simpl. rewrite !dot_cons, IH by auto. ring.
Qed.

Lemma form_cons a r B t y : Forall (fun s => s <> []) B ->
  both Qeq_bool r (map (hd 0) B) = true -> length r = length B ->
  form ((a :: r) :: B) (t :: y) == a * (t * t) + 2 * t * dot r y + form (map (@tl Q) B) y.
Proof.
  intros F E L. unfold form, applied. simpl. rewrite !dot_cons, rows_cons by auto.
  rewrite <- (dot_same y r (map (hd 0) B)) by (rewrite ?map_length; auto).
  rewrite (dot_sym y r). ring.
Qed.

Lemma rows_removed z a r B y : ~ a == 0 -> Forall (fun s => length (tl s) = length r) B ->
  dot z (map (fun s => dot s y) (map (removed (a :: r)) B))
  == dot z (map (fun s => dot s y) (map (@tl Q) B)) - dot z (map (hd 0) B) * dot r y / a.
Proof.
  intro N. revert z. induction B as [| s B IH]; intros z F; simpl;
    [rewrite !dot_nil; field; auto |].
  inversion F as [| ? ? M F']; subst. destruct z as [| c z]; [change (0 == 0 - 0 * dot r y / a); field; auto |].
  rewrite !dot_cons, IH by auto. unfold removed. simpl. rewrite dot_minus by auto.
  unfold div. rewrite Qred_correct. field. auto.
Qed.

Lemma form_removed a r B y : ~ a == 0 -> Forall (fun s => length (tl s) = length r) B ->
  both Qeq_bool r (map (hd 0) B) = true -> length r = length B ->
  a * form (map (removed (a :: r)) B) y == a * form (map (@tl Q) B) y - dot r y * dot r y.
Proof.
  intros N F E L. unfold form, applied. rewrite rows_removed by auto.
  rewrite <- (dot_same y r (map (hd 0) B)) by (rewrite ?map_length; auto).
  rewrite (dot_sym y r). field. auto.
Qed.

Lemma square_rest n r B : square (S n) (r :: B) ->
  length r = S n /\ length B = n /\ Forall (fun s => s <> []) B /\
  Forall (fun s => length (tl s) = n) B.
Proof.
  intros [L F]. inversion F as [| ? ? R F']; subst. simpl in L. repeat split; auto.
  - revert F'. apply Forall_impl. intros [| x s] H; [discriminate | congruence].
  - revert F'. apply Forall_impl. intros [| x s] H; simpl in *; congruence.
Qed.

Lemma square_mapped n (f : list Q -> list Q) B : length B = n ->
  Forall (fun s => length (f s) = n) B -> square n (map f B).
Proof. intros L F. split; [now rewrite map_length | now apply Forall_map]. Qed.

Lemma removed_length a r s : length (tl s) = length r ->
  length (removed (a :: r) s) = length r.
Proof. intro H. unfold removed, zip. simpl. rewrite map_length, combine_length, map_length. lia. Qed.

Lemma definite_ok strict n : forall A, square n A -> definite strict n A = true ->
  forall x, length x = n -> 0 <= form A x /\
  (strict = true -> form A x == 0 -> Forall (fun a => a == 0) x).
Proof.
  induction n as [| n IH]; intros A Sq D x X.
  - destruct x; [| discriminate]. change (0 <= 0 /\ (strict = true -> 0 == 0 -> Forall (fun a => a == 0) [])).
    split; [lra | constructor].
  - destruct A as [| [| a r] B]; destruct x as [| t y]; try discriminate;
      try (destruct Sq as [? F]; inversion F; discriminate).
    destruct (square_rest _ _ _ Sq) as (R & L & F1 & F2). simpl in R, X, D.
    injection R as R. injection X as X. apply andb_prop in D as [E D]. rewrite form_cons; auto;
      [| congruence].
    destruct (less 0 a) eqn:Z.
    + apply less_ok in Z. assert (N : ~ a == 0) by lra.
      assert (F3 : Forall (fun s => length (tl s) = length r) B) by (rewrite R; exact F2).
      destruct (IH (map (removed (a :: r)) B)) with (x := y) as [P P']; auto.
      { apply square_mapped; auto. revert F3. apply Forall_impl. intros s H.
        rewrite removed_length; congruence. }
      assert (G := form_removed a r B y N F3 E ltac:(congruence)).
      assert (H : a * (a * (t * t) + 2 * t * dot r y + form (map (@tl Q) B) y)
        == (a * t + dot r y) * (a * t + dot r y) + a * form (map (removed (a :: r)) B) y)
        by (rewrite G; ring).
      set (f := form (map (removed (a :: r)) B) y) in *.
      set (g := a * (t * t) + 2 * t * dot r y + form (map (@tl Q) B) y) in *.
      assert (V := square_ok (a * t + dot r y)). assert (V' : 0 <= a * f) by nra.
      split; [apply Qnot_lt_le; intro; assert (a * g < 0) by nra; lra |]. intros S0 G0. rewrite G0, Qmult_0_r in H.
      assert (f0 : a * f == 0) by lra.
      assert (T : Forall (fun b => b == 0) y).
      { apply P'; auto. apply Qmult_integral in f0 as [f0 | f0]; [contradiction | exact f0]. }
      constructor; auto.
      assert (W : dot r y == 0).
      { rewrite dot_sym. clear - T. revert r. induction T as [| b y B T IH]; intros [| c r];
          try reflexivity. rewrite dot_cons, B, IH. ring. }
      assert (Y : (a * t) * (a * t) == 0) by (rewrite W in H; lra).
      apply Qmult_integral in Y. assert (Y' : a * t == 0) by (destruct Y; assumption).
      apply Qmult_integral in Y' as [Y' | Y']; [contradiction | exact Y'].
    + apply andb_prop in D as [D D4]. apply andb_prop in D as [D D3].
      apply andb_prop in D as [D1 D2]. destruct strict; [discriminate |].
      apply Qeq_bool_eq in D2. destruct (IH (map (@tl Q) B)) with (x := y) as [P _]; auto.
      { apply square_mapped; auto. }
      split; [| discriminate]. rewrite D2, (dot_zeros r y D3). lra.
Qed.

Theorem psd_ok n A : square n A -> psd A = true -> forall x, length x = n -> 0 <= form A x.
Proof.
  intros Sq P x X. destruct Sq as [<- F]. apply (definite_ok false (length A) A); auto.
  split; auto.
Qed.

Theorem pd_ok n A : square n A -> pd A = true -> forall x, length x = n ->
  0 < form A x \/ Forall (fun a => a == 0) x.
Proof.
  intros Sq P x X. destruct Sq as [<- F].
  destruct (definite_ok true (length A) A (conj eq_refl F) P x X) as [Z S0].
  destruct (Qlt_le_dec 0 (form A x)); [now left | right; apply S0; [reflexivity | lra]].
Qed.
