(* Schemes on lines of every length, given by their rows: changes of sign, total variation and
   local extrema; and schemes whose values are means of values before, on every grid. *)

Require Export Stabkit.
Require Import Arith.
Open Scope R_scope.

(* From place i on, x has k changes of sign among its first n entries: there are k places more,
   further and further to the right, and from each to the next the sign changes. *)
Fixpoint changes_from (n : nat) (x : vec) (k i : nat) : Prop :=
  match k with
  | O => (i < n)%nat /\ x i <> 0
  | S k => exists p, (i < p)%nat /\ x i * x p < 0 /\ changes_from n x k p
  end.
Definition changes (n : nat) (x : vec) (k : nat) : Prop := exists i, changes_from n x k i.

Definition differences (x : vec) : vec := fun i => x (S i) - x i.
Definition variation (n : nat) (x : vec) : R := sum (pred n) (fun i => Rabs (differences x i)).

(* What a step from u to v may keep; a local extremum lies where the differences change sign. *)
Definition no_more_changes (n : nat) (v u : vec) : Prop :=
  forall k, changes n v k -> changes n u k.
Definition no_more_variation (n : nat) (v u : vec) : Prop := variation n v <= variation n u.
Definition no_more_extrema (n : nat) (v u : vec) : Prop :=
  no_more_changes (pred n) (differences v) (differences u).
Definition same_sum (n : nat) (v u : vec) : Prop := sum n v = sum n u.
Definition no_more_contrast (n : nat) (v u : vec) : Prop := forall M,
  (forall i, (S i < n)%nat -> Rabs (differences u i) <= M) ->
  forall i, (S i < n)%nat -> Rabs (differences v i) <= M.
Definition within_range (n : nat) (v u : vec) : Prop := forall low high,
  (forall i, (i < n)%nat -> low <= u i <= high) -> forall i, (i < n)%nat -> low <= v i <= high.

(* A mean of values, with any weights. *)
Definition is_mean (n : nat) (x : vec) (m : R) : Prop := exists a : vec,
  (forall p, (p < n)%nat -> 0 <= a p) /\ sum n a = 1 /\ m = dot n a x.

(* A line: between the points i - 1 and i lies an edge of weight w i, and one of weight w 0 and
   w n before the first point and behind the last.  An entry depends on the weight to its side, one
   on the diagonal on l = w i and r = w (i + 1). *)
Record line := Line {
  single : R -> R -> R;
  first_middle : R -> R -> R; first_right : R -> R;
  inner_left : R -> R; inner_middle : R -> R -> R; inner_right : R -> R;
  last_left : R -> R; last_middle : R -> R -> R }.

Definition left_entry (L : line) (n : nat) (w : vec) (i : nat) : R :=
  match i with
  | O => 0
  | _ => (if Nat.eqb (S i) n then last_left L else inner_left L) (w i)
  end.
Definition right_entry (L : line) (n : nat) (w : vec) (i : nat) : R :=
  if Nat.eqb (S i) n then 0
  else match i with O => first_right L (w 1%nat) | _ => inner_right L (w (S i)) end.
Definition middle_entry (L : line) (n : nat) (w : vec) (i : nat) : R :=
  match i with
  | O => (if Nat.eqb 1 n then single L else first_middle L) (w O) (w 1%nat)
  | _ => (if Nat.eqb (S i) n then last_middle L else inner_middle L) (w i) (w (S i))
  end.

Definition band (a b c x : vec) (i : nat) : R := a i * x (pred i) + b i * x i + c i * x (S i).
(* What the rows of a line make of x, at i. *)
Definition on_line (L : line) (n : nat) (w x : vec) (i : nat) : R :=
  band (left_entry L n w) (middle_entry L n w) (right_entry L n w) x i.

(* -- signs ------------------------------------------------------------------------------------- *)

Lemma same_sign a b c : 0 < a * b -> 0 < b * c -> 0 < a * c.
Proof. intros. assert (0 < a * b * (b * c)) by (apply Rmult_lt_0_compat; auto). nra. Qed.

Lemma other_sign a b c : 0 < a * b -> b * c < 0 -> a * c < 0.
Proof.
  intros. assert (0 < a * b * - (b * c)) by (apply Rmult_lt_0_compat; lra).
  assert (0 < b * b) by nra. nra.
Qed.

(* A sum with factors >= 0 has the sign of one of its terms. *)
Lemma some_sign a b x y v : v = a * x + b * y -> 0 <= a -> 0 <= b -> v <> 0 ->
  0 < x * v \/ 0 < y * v.
Proof.
  intros E A B N. destruct (Rlt_dec 0 (x * v)) as [| X]; [auto |].
  destruct (Rlt_dec 0 (y * v)) as [| Y]; [auto |]. exfalso.
  assert (0 < v * v) by nra. assert (0 <= a * - (x * v)) by (apply Rmult_le_pos; lra).
  assert (0 <= b * - (y * v)) by (apply Rmult_le_pos; lra).
  assert (v * v = a * (x * v) + b * (y * v)) by (rewrite E at 1; ring). lra.
Qed.

Lemma starts n x k i : changes_from n x k i -> (i < n)%nat /\ x i <> 0.
Proof.
  revert i. induction k as [| k IH]; simpl; [auto |]. intros i (p & L & C & H).
  destruct (IH p H). split; [lia |]. intro Z. rewrite Z in C. lra.
Qed.

(* Where v_i has the sign of x_m for some m from i on, but not beyond the next other sign of v. *)
Definition ahead (n : nat) (x v : vec) (i m : nat) : Prop :=
  (i <= m < n)%nat /\ 0 < x m * v i /\ forall p, (i < p < n)%nat -> v i * v p < 0 -> (m <= p)%nat.

Lemma changes_ahead n x v : (forall i, (i < n)%nat -> v i <> 0 -> exists m, ahead n x v i m) ->
  forall k, changes n v k -> changes n x k.
Proof.
  intros H k [i C].
  assert (T : forall k i m, changes_from n v k i -> ahead n x v i m -> changes_from n x k m).
  { clear k i C. induction k as [| k IH]; intros i m C (R1 & R2 & R3); simpl in *.
    - split; [lia |]. intro Z. rewrite Z in R2. lra.
    - destruct C as (p & L & C & D). destruct (starts _ _ _ _ D) as [D1 D2].
      destruct (H p D1 D2) as [q Q]. exists q. specialize (R3 p (conj L D1) C).
      assert (x m * x q < 0).
      { destruct Q as (_ & Q & _). rewrite Rmult_comm. apply other_sign with (v p); [auto |].
        rewrite Rmult_comm. apply other_sign with (v i); auto. }
      repeat split; [| auto | eauto]. destruct Q as (Q & _).
      destruct (Nat.eq_dec m q) as [-> | N]; [nra | lia]. }
  destruct (starts _ _ _ _ C) as [C1 C2]. destruct (H i C1 C2) as [m M]. exists m. eauto.
Qed.

(* The same, with m up to i, and not before the last other sign of v. *)
Definition behind (x v : vec) (i m : nat) : Prop :=
  (m <= i)%nat /\ 0 < x m * v i /\ forall p, (p < i)%nat -> v p * v i < 0 -> (p <= m)%nat.

Lemma changes_behind n x v : (forall i, (i < n)%nat -> v i <> 0 -> exists m, behind x v i m) ->
  forall k, changes n v k -> changes n x k.
Proof.
  intros H k [i C].
  assert (T : forall k i m, changes_from n v k i -> behind x v i m -> changes_from n x k m).
  { clear k i C. induction k as [| k IH]; intros i m C (R1 & R2 & R3); simpl in *.
    - split; [lia |]. intro Z. rewrite Z in R2. lra.
    - destruct C as (p & L & C & D). destruct (starts _ _ _ _ D) as [D1 D2].
      destruct (H p D1 D2) as [q Q]. exists q.
      assert (x m * x q < 0).
      { destruct Q as (_ & Q & _). rewrite Rmult_comm. apply other_sign with (v p); [auto |].
        rewrite Rmult_comm. apply other_sign with (v i); auto. }
      repeat split; [| auto | eauto]. destruct Q as (_ & _ & Q). specialize (Q i L C).
      destruct (Nat.eq_dec m q) as [-> | N]; [nra | lia]. }
  destruct (starts _ _ _ _ C) as [C1 C2]. destruct (H i C1 C2) as [m M]. exists m. eauto.
Qed.

(* -- elimination: a band is the product of two bands of two entries each ------------------------ *)

Fixpoint pivot (a b c : vec) (i : nat) : R :=
  match i with O => b O | S j => b (S j) - a (S j) * c j / pivot a b c j end.

Lemma next_pivot a b c m d e : 0 < m -> m <= d -> 0 <= a * c -> a * c <= (b - e) * m ->
  e <= b - a * c / d.
Proof.
  intros M D P H. apply Rmult_le_reg_l with d; [lra |].
  replace (d * (b - a * c / d)) with (d * b - a * c) by (field; lra). nra.
Qed.

(* Lower bounds m of the pivots but the last one. *)
Definition bounds (n : nat) (a b c m : vec) : Prop :=
  ((1 < n)%nat -> m O <= b O) /\
  (forall i, (S i < n)%nat -> 0 < m i /\ 0 <= a (S i) * c i) /\
  (forall i, (S (S i) < n)%nat -> a (S i) * c i <= (b (S i) - m (S i)) * m i).

Lemma pivots n a b c m : bounds n a b c m -> forall i, (S i < n)%nat -> 0 < m i <= pivot a b c i.
Proof.
  intros (A & B & C) i L. split; [apply B, L |].
  induction i as [| i IH]; simpl; [apply A, L |].
  destruct (B i) as [M P]; [lia |]. apply next_pivot with (m i); auto. apply IH. lia.
Qed.

Lemma last_pivot n a b c m e : bounds n a b c m -> ((n = 1)%nat -> e <= b O) ->
  (forall i, (S (S i) = n)%nat -> a (S i) * c i <= (b (S i) - e) * m i) ->
  forall i, (S i = n)%nat -> e <= pivot a b c i.
Proof.
  intros H A B i <-. destruct i as [| i]; simpl; [apply A; reflexivity |].
  destruct (pivots _ _ _ _ _ H i) as [M P]; [lia |]. destruct H as (_ & H & _).
  apply next_pivot with (m i); auto. apply H. lia.
Qed.

(* The factor to the right, and that the factor to the left makes the band of it. *)
Definition half (a b c x : vec) : vec := fun i => pivot a b c i * x i + c i * x (S i).

Lemma factored a b c x i : pivot a b c i <> 0 ->
  band a b c x (S i) = half a b c x (S i) + a (S i) / pivot a b c i * half a b c x i.
Proof. intro N. unfold band, half. simpl. field. exact N. Qed.

Section Bands.
  Variables (n : nat) (a b c x v : vec).
  Hypothesis first_has_no_left : a O = 0.
  Hypothesis last_has_no_right : forall i, (S i = n)%nat -> c i = 0.
  Let d := pivot a b c.
  Hypothesis positive_pivots : forall i, (S i < n)%nat -> 0 < d i.

  Theorem band_adds_no_changes :
    (forall i, (i < n)%nat -> 0 <= a i /\ 0 <= c i) -> (forall i, (i < n)%nat -> 0 <= d i) ->
    (forall i, (i < n)%nat -> v i = band a b c x i) ->
    no_more_changes n v x.
  Proof.
    intros A D V k C. set (y := half a b c x).
    assert (changes n y k).
    { revert k C. apply changes_behind. intros i L N. destruct i as [| i].
      - exists O. repeat split; [lia | | lia]. rewrite (V O L) in N |- *. unfold band in *.
        replace (y O) with (a O * x (pred O) + b O * x O + c O * x 1%nat); [nra |].
        rewrite first_has_no_left. unfold y, half. simpl. ring.
      - assert (P : 0 < d i) by (apply positive_pivots; lia).
        assert (E : v (S i) = 1 * y (S i) + a (S i) / d i * y i).
        { rewrite (V _ L), factored; [unfold y, d; ring | fold d; lra]. }
        destruct (some_sign _ _ _ _ _ E) as [G | G]; try lra; auto.
        + apply Rmult_le_pos; [apply A, L | apply Rlt_le, Rinv_0_lt_compat, P].
        + exists (S i). repeat split; [lia | auto | lia].
        + exists i. repeat split; [lia | auto | lia]. }
    clear C. revert k H. apply changes_ahead. intros i L N.
    destruct (some_sign (d i) (c i) (x i) (x (S i)) (y i)) as [G | G]; try apply A; auto.
    - exists i. repeat split; auto; lia.
    - destruct (Nat.eq_dec (S i) n) as [E | E].
      + exists i. repeat split; auto; try lia.
        assert (F : y i = d i * x i)
          by (unfold y, half; rewrite (last_has_no_right i E); fold d; ring).
        rewrite F in *. assert (0 <= d i) by auto. assert (d i <> 0) by (intro Z; rewrite Z in N; lra).
        assert (x i <> 0) by (intro Z; rewrite Z in N; lra).
        replace (x i * (d i * x i)) with (d i * (x i * x i)) by ring.
        apply Rmult_lt_0_compat; nra.
      + exists (S i). repeat split; auto; lia.
  Qed.

  Theorem inverse_band_adds_no_changes :
    (forall i, (i < n)%nat -> a i <= 0 /\ c i <= 0) -> (forall i, (i < n)%nat -> 0 < d i) ->
    (forall i, (i < n)%nat -> x i = band a b c v i) ->
    no_more_changes n v x.
  Proof.
    intros A D V k C. set (y := half a b c v).
    assert (Q : forall i, (i < n)%nat -> forall z, z <= 0 -> 0 <= - z / d i).
    { intros i L z Z. apply Rmult_le_pos; [lra | apply Rlt_le, Rinv_0_lt_compat, D, L]. }
    assert (B : changes n y k).
    { revert k C. apply changes_ahead. intros i L.
      remember (n - i)%nat as j eqn:J. revert i L J. induction j as [| j IH]; intros i L J N; [lia |].
      assert (P := D i L).
      assert (E : v i = / d i * y i + - c i / d i * v (S i))
        by (unfold y, half; fold d; field; lra).
      destruct (some_sign _ _ _ _ _ E) as [G | G]; auto.
      + apply Rlt_le, Rinv_0_lt_compat, P.
      + apply Q; auto. apply A, L.
      + exists i. repeat split; auto; lia.
      + destruct (Nat.eq_dec (S i) n) as [F | F].
        * exists i. repeat split; auto; try lia.
          assert (W : v i = / d i * y i)
            by (rewrite E; rewrite (last_has_no_right i F); field; lra).
          rewrite W in N |- *. assert (y i <> 0) by (intro Z; rewrite Z in N; apply N; ring).
          replace (y i * (/ d i * y i)) with (/ d i * (y i * y i)) by ring.
          apply Rmult_lt_0_compat; [apply Rinv_0_lt_compat, P | nra].
        * destruct (IH (S i)) as (m & M1 & M2 & M3); try lia.
          { intro Z. rewrite Z in G. lra. }
          exists m. repeat split; try lia.
          -- apply same_sign with (v (S i)); auto.
          -- intros p R1 R2. destruct (Nat.eq_dec p (S i)) as [-> | R]; [nra |].
             apply M3; [lia |]. apply other_sign with (v i); auto. }
    clear C. revert k B. apply changes_behind. intros i. induction i as [| i IH]; intros L N.
    - exists O. repeat split; try lia. rewrite (V O L). unfold band.
      rewrite first_has_no_left.
      replace (0 * v (pred O) + b O * v O + c O * v 1%nat) with (y O);
        [nra | unfold y, half; simpl; ring].
    - assert (P : 0 < d i) by (apply D; lia).
      assert (E : y (S i) = 1 * x (S i) + - a (S i) / d i * y i).
      { rewrite (V _ L), factored; fold d y; [field |]; lra. }
      destruct (some_sign _ _ _ _ _ E) as [G | G]; try lra; auto.
      + apply Q; [lia |]. apply A, L.
      + exists (S i). repeat split; auto; lia.
      + destruct IH as (m & M1 & M2 & M3); try lia.
        { intro Z. rewrite Z in G. lra. }
        exists m. repeat split; try lia.
        * apply same_sign with (y i); auto.
        * intros p R1 R2. destruct (Nat.eq_dec p i) as [-> | R]; [nra |].
          apply M3; [lia |]. rewrite Rmult_comm. apply other_sign with (y (S i)); [auto |].
          rewrite Rmult_comm. exact R2.
  Qed.
End Bands.

(* -- lines ------------------------------------------------------------------------------------- *)

Ltac entries :=
  intros; unfold left_entry, middle_entry, right_entry in *;
  repeat match goal with
  | |- context [match ?i with O => _ | S _ => _ end] => is_var i; destruct i
  | |- context [Nat.eqb ?a ?b] => destruct (Nat.eqb_spec a b); try lia
  end.

Section Lines.
  Variables (P : R -> Prop) (L : line) (m : R -> R).

  (* What stands beside the diagonal, times s, is >= 0. *)
  Definition beside (s : R) : Prop := forall x, P x ->
    0 <= s * inner_left L x /\ 0 <= s * last_left L x /\
    0 <= s * first_right L x /\ 0 <= s * inner_right L x.

  (* Pivots but the last one are at least m of the weight to the right. *)
  Definition bounded : Prop := forall l r, P l -> P r ->
    0 < m r /\ m r <= first_middle L l r /\
    inner_left L l * first_right L l <= (inner_middle L l r - m r) * m l /\
    inner_left L l * inner_right L l <= (inner_middle L l r - m r) * m l.

  Definition last_nonnegative : Prop := forall l r, P l -> P r ->
    0 <= single L l r /\
    last_left L l * first_right L l <= last_middle L l r * m l /\
    last_left L l * inner_right L l <= last_middle L l r * m l.

  Definition last_positive : Prop := forall l r, P l -> P r ->
    0 < single L l r /\
    last_left L l * first_right L l < last_middle L l r * m l /\
    last_left L l * inner_right L l < last_middle L l r * m l.

  Definition sums_to_one : Prop := forall l r, P l -> P r ->
    single L l r = 1 /\ first_middle L l r + first_right L r = 1 /\
    inner_left L l + inner_middle L l r + inner_right L r = 1 /\
    last_left L l + last_middle L l r = 1.

  (* What an edge keeps of its difference: 1 - what the rows beside it hand on. *)
  Definition stays (before after : R -> R) (x : R) : R := 1 - after x - before x.

  Definition stays_nonnegative : Prop := forall x, P x ->
    0 <= stays (first_right L) (inner_left L) x /\ 0 <= stays (first_right L) (last_left L) x /\
    0 <= stays (inner_right L) (inner_left L) x /\ 0 <= stays (inner_right L) (last_left L) x.

  Definition columns_sum_to_one : Prop := forall l r, P l -> P r ->
    single L l r = 1 /\
    first_middle L l r + inner_left L r = 1 /\ first_middle L l r + last_left L r = 1 /\
    first_right L l + inner_middle L l r + inner_left L r = 1 /\
    first_right L l + inner_middle L l r + last_left L r = 1 /\
    inner_right L l + inner_middle L l r + inner_left L r = 1 /\
    inner_right L l + inner_middle L l r + last_left L r = 1 /\
    first_right L l + last_middle L l r = 1 /\ inner_right L l + last_middle L l r = 1.

  (* An edge hands out no less than it is handed, by entries that are multiples of weights. *)
  Definition hands_out : Prop := forall x, P x ->
    inner_left L x = inner_left L 1 * x /\ last_left L x = last_left L 1 * x /\
    first_right L x = first_right L 1 * x /\ inner_right L x = inner_right L 1 * x /\
    0 <= inner_left L 1 /\ 0 <= last_left L 1 /\ 0 <= first_right L 1 /\ 0 <= inner_right L 1 /\
    inner_right L 1 <= first_right L 1 + inner_left L 1 /\
    inner_left L 1 + inner_right L 1 <= inner_right L 1 + inner_left L 1 /\
    inner_left L 1 <= inner_right L 1 + last_left L 1.

  (* The same of the matrix that makes the differences. *)
  Definition differences_bounded : Prop := forall l r, P l -> P r ->
    0 < m r /\ m r <= stays (first_right L) (inner_left L) r /\
    0 <= stays (first_right L) (last_left L) r /\
    inner_left L l * inner_right L r <= (stays (inner_right L) (inner_left L) r - m r) * m l /\
    inner_left L l * inner_right L r <= stays (inner_right L) (last_left L) r * m l.

  Variables (n : nat) (w x v : vec).
  Hypothesis weights : forall i, P (w i).
  Let a := left_entry L n w.
  Let b := middle_entry L n w.
  Let c := right_entry L n w.
  Let bound : vec := fun i => m (w (S i)).

  Lemma no_first_left : a O = 0.
  Proof. reflexivity. Qed.

  Lemma no_last_right i : S i = n -> c i = 0.
  Proof. unfold c. entries; reflexivity. Qed.

  Lemma entries_beside s : beside s -> forall i, (i < n)%nat -> 0 <= s * a i /\ 0 <= s * c i.
  Proof.
    intros H i. destruct (H (w i) (weights i)) as (H1 & H2 & _).
    destruct (H (w (S i)) (weights (S i))) as (_ & _ & H3 & H4).
    unfold a, c. entries; split; auto; lra.
  Qed.

  Lemma line_bounds s : s * s = 1 -> beside s -> bounded -> bounds n a b c bound.
  Proof.
    intros Q H B. split; [| split].
    - destruct (B (w O) (w 1%nat)) as (_ & B1 & _); auto. unfold b, bound. entries; auto.
    - intros i I. destruct (B (w O) (w (S i))) as (B1 & _); auto. split; [exact B1 |].
      destruct (entries_beside s H (S i) I) as [A _], (entries_beside s H i) as [_ C]; [lia |].
      replace (a (S i) * c i) with ((s * a (S i)) * (s * c i));
        [apply Rmult_le_pos; auto |].
      transitivity (s * s * (a (S i) * c i)); [ring | rewrite Q; ring].
    - intros i I. destruct (B (w (S i)) (w (S (S i)))) as (_ & _ & B1 & B2); auto.
      unfold a, b, c, bound. entries; auto.
  Qed.

  Theorem line_adds_no_changes : beside 1 -> bounded -> last_nonnegative ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) ->
    no_more_changes n v x.
  Proof.
    intros H B D V. assert (B' := line_bounds 1 ltac:(ring) H B).
    assert (N : forall i, (S i < n)%nat -> 0 < pivot a b c i)
      by (intros i I; destruct (pivots _ _ _ _ _ B' i I); lra).
    apply band_adds_no_changes with a b c; auto.
    - apply no_last_right.
    - intros i I. destruct (entries_beside 1 H i I). lra.
    - intros i I. destruct (Nat.eq_dec (S i) n) as [E | E]; [| apply Rlt_le, N; lia].
      apply (last_pivot n a b c bound 0 B'); auto.
      + intro. destruct (D (w O) (w 1%nat)) as (D1 & _); auto. unfold b. entries; auto.
      + intros j J. destruct (D (w (S j)) (w (S (S j)))) as (_ & D1 & D2); auto.
        rewrite Rminus_0_r. unfold a, b, c, bound. entries; auto.
  Qed.

  Theorem inverse_line_adds_no_changes : beside (-1) -> bounded -> last_positive ->
    (forall i, (i < n)%nat -> x i = on_line L n w v i) ->
    no_more_changes n v x.
  Proof.
    intros H B D V. assert (B' := line_bounds (-1) ltac:(ring) H B).
    assert (N : forall i, (S i < n)%nat -> 0 < pivot a b c i)
      by (intros i I; destruct (pivots _ _ _ _ _ B' i I); lra).
    apply inverse_band_adds_no_changes with a b c; auto.
    - apply no_last_right.
    - intros i I. destruct (entries_beside (-1) H i I). lra.
    - intros i I. destruct (Nat.eq_dec (S i) n) as [E | E]; [| apply N; lia].
      destruct i as [| i].
      + destruct (D (w O) (w 1%nat)) as (D1 & _); auto. change (0 < b O). unfold b. entries; auto.
      + destruct (D (w (S i)) (w (S (S i)))) as (_ & D1 & D2); auto.
        destruct (B (w O) (w (S i))) as (M & _); auto.
        destruct (pivots _ _ _ _ _ B' i) as [_ J]; [lia |].
        apply Rlt_le_trans with (b (S i) - a (S i) * c i / m (w (S i))).
        * apply Rmult_lt_reg_r with (m (w (S i))); [exact M |].
          replace ((b (S i) - a (S i) * c i / m (w (S i))) * m (w (S i)))
            with (b (S i) * m (w (S i)) - a (S i) * c i) by (field; lra).
          rewrite Rmult_0_l. apply Rlt_Rminus. unfold a, b, c. entries; auto.
        * apply (next_pivot _ _ _ (m (w (S i)))); auto.
          -- destruct B' as (_ & B' & _). apply B'. lia.
          -- right. field. lra.
  Qed.

  Lemma differences_of_line : sums_to_one ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) -> forall i, (S i < n)%nat ->
    differences v i = band a (fun i => 1 - a (S i) - c i) (fun i => c (S i)) (differences x) i.
  Proof.
    intros T V i I. assert (E : forall i, (i < n)%nat -> b i = 1 - a i - c i).
    { clear i I. intros i I. destruct (T (w i) (w (S i))) as (T1 & T2 & T3 & T4); auto.
      unfold a, b, c. entries; lra. }
    unfold differences at 1. rewrite !V by lia. unfold on_line. fold a b c. unfold band.
    rewrite !E by lia. unfold differences. assert (Z := no_first_left). clearbody a b c.
    destruct i; simpl; [rewrite Z |]; ring.
  Qed.

  Theorem line_adds_no_variation : beside 1 -> sums_to_one -> stays_nonnegative ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) -> no_more_variation n v x.
  Proof.
    intros H T Z V. set (d := differences x). set (e := differences v).
    assert (K : forall i, (S i < n)%nat -> 0 <= 1 - a (S i) - c i).
    { intros i I. destruct (Z (w (S i))) as (Z1 & Z2 & Z3 & Z4); auto. unfold stays in *.
      unfold a, c. entries; lra. }
    assert (S' : forall k, (k < n)%nat -> sum k (fun i => Rabs (e i)) + a k * Rabs (d (pred k))
      <= sum k (fun i => Rabs (d i)) + c k * Rabs (d k)).
    { induction k as [| k IH]; intro I; cbn [sum pred].
      - destruct (entries_beside 1 H O I) as [_ C]. rewrite no_first_left.
        assert (0 <= c O * Rabs (d O)) by (apply Rmult_le_pos; [lra | apply Rabs_pos]). lra.
      - specialize (IH ltac:(lia)). specialize (K k I).
        assert (E : Rabs (e k) <= a k * Rabs (d (pred k)) + (1 - a (S k) - c k) * Rabs (d k)
          + c (S k) * Rabs (d (S k))).
        { unfold e. rewrite (differences_of_line T V k I). unfold band. fold d.
          destruct (entries_beside 1 H k) as [A _]; [lia |].
          destruct (entries_beside 1 H (S k) I) as [_ C].
          eapply Rle_trans; [apply Rabs_triang |].
          apply Rplus_le_compat; [eapply Rle_trans; [apply Rabs_triang |] |];
            [apply Rplus_le_compat |]; rewrite Rabs_mult, (Rabs_right); lra. }
        lra. }
    unfold no_more_variation, variation. fold d e. destruct (Nat.eq_dec n 0) as [N | N]; [rewrite N; simpl; lra |].
    specialize (S' (pred n) ltac:(lia)). rewrite (no_last_right (pred n)) in S' by lia.
    destruct (entries_beside 1 H (pred n)) as [A _]; [lia |].
    assert (0 <= a (pred n) * Rabs (d (pred (pred n))))
      by (apply Rmult_le_pos; [lra | apply Rabs_pos]). lra.
  Qed.

  Theorem line_adds_no_extrema : beside 1 -> sums_to_one -> differences_bounded ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) ->
    no_more_extrema n v x.
  Proof.
    intros H T D V. set (b' := fun i => 1 - a (S i) - c i). set (c' := fun i => c (S i)).
    assert (B : bounds (pred n) a b' c' bound).
    { split; [| split].
      - intro I. destruct (D (w O) (w 1%nat)) as (_ & D1 & _); auto. unfold stays, b', a, c, bound in *.
        entries; lra.
      - intros i I. destruct (D (w O) (w (S i))) as (M & _); auto. split; [exact M |].
        destruct (entries_beside 1 H (S i)); [lia |]. unfold c'. apply Rmult_le_pos; lra.
      - intros i I. destruct (D (w (S i)) (w (S (S i)))) as (_ & _ & _ & D1 & _); auto.
        unfold stays, b', c', a, c, bound in *. entries; lra. }
    assert (N : forall i, (S i < pred n)%nat -> 0 < pivot a b' c' i)
      by (intros i I; destruct (pivots _ _ _ _ _ B i I); lra).
    unfold no_more_extrema. apply band_adds_no_changes with a b' c'; auto.
    - intros i I. apply no_last_right. lia.
    - intros i I. destruct (entries_beside 1 H i), (entries_beside 1 H (S i)); try lia.
      unfold c'. lra.
    - intros i I. destruct (Nat.eq_dec (S i) (pred n)) as [E | E]; [| apply Rlt_le, N; lia].
      apply (last_pivot (pred n) a b' c' bound 0 B); auto.
      + intro. destruct (D (w O) (w 1%nat)) as (_ & _ & D1 & _); auto.
        unfold stays, b', a, c in *. entries; lra.
      + intros j J. destruct (D (w (S j)) (w (S (S j)))) as (_ & _ & _ & _ & D1); auto.
        rewrite Rminus_0_r. unfold stays, b', c', a, c, bound in *. entries; lra.
    - intros i I. apply differences_of_line; auto. lia.
  Qed.

  Theorem line_keeps_mean : columns_sum_to_one ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) -> same_sum n v x.
  Proof.
    intros T V. set (before := fun i => match i with O => 0 | S j => c j end).
    assert (K : forall k, (S k < n)%nat -> before k + b k + a (S k) = 1).
    { intros k I. destruct (T (w k) (w (S k))) as (T1 & T2 & T3 & T4 & T5 & T6 & T7 & T8 & T9); auto.
      unfold before, a, b, c. entries; lra. }
    assert (N : forall k, (S k = n)%nat -> before k + b k = 1).
    { intros k I. destruct (T (w k) (w (S k))) as (T1 & T2 & T3 & T4 & T5 & T6 & T7 & T8 & T9); auto.
      unfold before, a, b, c. entries; lra. }
    assert (E : forall k, (k < n)%nat ->
      sum (S k) v = sum k x + (before k + b k) * x k + c k * x (S k)).
    { induction k as [| k IH]; intro I.
      - cbn [sum]. rewrite (V O I). unfold on_line. fold a b c. unfold band. rewrite no_first_left.
        unfold before. ring.
      - cbn [sum] in *. rewrite (V (S k) I), IH by lia. unfold on_line. fold a b c. unfold band.
        cbn [pred before]. specialize (K k I).
        replace (x k) with ((before k + b k + a (S k)) * x k) at 3 by (rewrite K; ring). ring. }
    unfold same_sum. destruct (Nat.eq_dec n 0) as [F | F]; [rewrite F; reflexivity |].
    specialize (E (pred n)). specialize (N (pred n)). rewrite (no_last_right (pred n)) in E by lia.
    rewrite N in E by lia. replace n with (S (pred n)) by lia. rewrite E by lia. cbn [sum]. ring.
  Qed.

  (* The weight of an edge is the g of a flux that does not fall, at the difference there. *)
  Variable phi : R -> R.
  Definition slopes_within : Prop := phi 0 = 0 /\ forall s t, s <= t ->
    exists g, P g /\ 0 <= g /\ phi t - phi s = g * (t - s).

  Lemma below_contrast k f h M d : 0 <= k -> f + h <= k * phi M ->
    (exists g, 0 <= g /\ k * g <= 1 /\ phi M - phi d = g * (M - d)) -> d <= M ->
    d - k * phi d + f + h <= M.
  Proof.
    intros K F (g & G1 & G2 & G3) D. assert (0 <= (1 - k * g) * (M - d)) by (apply Rmult_le_pos; lra).
    assert (k * (phi M - phi d) = k * g * (M - d)) by (rewrite G3; ring). lra.
  Qed.

  Lemma above_contrast k f h M d : 0 <= k -> k * phi M <= f + h ->
    (exists g, 0 <= g /\ k * g <= 1 /\ phi d - phi M = g * (d - M)) -> M <= d ->
    M <= d - k * phi d + f + h.
  Proof.
    intros K F (g & G1 & G2 & G3) D. assert (0 <= (1 - k * g) * (d - M)) by (apply Rmult_le_pos; lra).
    assert (k * (phi d - phi M) = k * g * (d - M)) by (rewrite G3; ring). lra.
  Qed.

  Theorem line_adds_no_contrast : sums_to_one -> stays_nonnegative -> hands_out -> slopes_within ->
    (forall i, (S i < n)%nat -> w (S i) * differences x i = phi (differences x i)) ->
    (forall i, (i < n)%nat -> v i = on_line L n w x i) -> no_more_contrast n v x.
  Proof.
    intros T Z H [F0 F] W V M B i I. set (d := differences x) in *.
    set (alpha := fun j => match j with O => 0 | _ =>
      if Nat.eqb (S j) n then last_left L 1 else inner_left L 1 end).
    set (gamma := fun j => if Nat.eqb (S j) n then 0 else
      match j with O => first_right L 1 | _ => inner_right L 1 end).
    assert (A : forall j, a j = alpha j * w j).
    { intro j. destruct (H (w j)) as (H1 & H2 & _); auto. unfold a, alpha. cbv beta. entries; auto; ring. }
    assert (C : forall j, c j = gamma j * w (S j)).
    { intro j. destruct (H (w (S j))) as (_ & _ & H3 & H4 & _); auto. unfold c, gamma.
      cbv beta. entries; auto; ring. }
    assert (E : differences v i = d i - (alpha (S i) + gamma i) * phi (d i)
      + alpha i * phi (d (pred i)) + gamma (S i) * phi (d (S i))).
    { rewrite (differences_of_line T V i I). unfold band. fold d. rewrite (A (S i)), (C i), (C (S i)).
      assert (E1 : a i * d (pred i) = alpha i * phi (d (pred i))).
      { destruct i as [| j]; [unfold a, alpha; cbn; ring |]. rewrite A, <- W by lia. cbn [pred]. ring. }
      assert (E2 : gamma (S i) * w (S (S i)) * d (S i) = gamma (S i) * phi (d (S i))).
      { destruct (Nat.eq_dec (S (S i)) n) as [Q | Q].
        - unfold gamma. rewrite Q, Nat.eqb_refl. ring.
        - rewrite <- W by lia. ring. }
      rewrite E1, E2, <- (W i I). ring. }
    destruct (H (w O)) as (_ & _ & _ & _ & H1 & H2 & H3 & H4 & H5 & H6 & H7); auto.
    assert (N : 0 <= alpha i /\ 0 <= gamma (S i) /\ 0 <= alpha (S i) + gamma i /\
      alpha i + gamma (S i) <= alpha (S i) + gamma i).
    { unfold alpha, gamma. cbv beta. entries; repeat split; lra. }
    destruct N as (N1 & N2 & N3 & N4).
    assert (S1 : forall g, P g -> (alpha (S i) + gamma i) * g <= 1).
    { intros g G. destruct (Z g G) as (Z1 & Z2 & Z3 & Z4). destruct (H g G) as (G1 & G2 & G3 & G4 & _).
      unfold stays in *. unfold alpha, gamma. cbv beta. entries; lra. }
    assert (M0 : 0 <= M) by (eapply Rle_trans; [apply Rabs_pos | apply (B i I)]).
    assert (D : forall j, (S j < n)%nat -> - M <= d j <= M)
      by (intros j J; specialize (B j J); split; [pose proof (Rle_abs (- d j)) as Q; rewrite Rabs_Ropp in Q |
        pose proof (Rle_abs (d j)) as Q]; fold d in B; lra).
    assert (U : forall s t, s <= t -> phi s <= phi t).
    { intros s t L'. destruct (F s t L') as (g & _ & G1 & G2).
      assert (0 <= g * (t - s)) by (apply Rmult_le_pos; lra). lra. }
    assert (PM := U 0 M M0). assert (PN := U (- M) 0 ltac:(lra)). rewrite F0 in *.
    assert (Hi : (S (pred i) < n)%nat) by lia. assert (Di := D i I).
    assert (R1 : alpha i * phi (- M) <= alpha i * phi (d (pred i)) <= alpha i * phi M)
      by (destruct (D _ Hi); split; apply Rmult_le_compat_l; auto).
    assert (R2 : gamma (S i) * phi (- M) <= gamma (S i) * phi (d (S i)) <= gamma (S i) * phi M).
    { destruct (Nat.eq_dec (S (S i)) n) as [Q | Q].
      - unfold gamma. rewrite Q, Nat.eqb_refl. lra.
      - destruct (D (S i)); [lia |]. split; apply Rmult_le_compat_l; auto. }
    assert (R3 : (alpha i + gamma (S i)) * phi M <= (alpha (S i) + gamma i) * phi M)
      by (apply Rmult_le_compat_r; lra).
    assert (R4 : (alpha (S i) + gamma i) * phi (- M) <= (alpha i + gamma (S i)) * phi (- M))
      by (assert (0 <= (alpha (S i) + gamma i - (alpha i + gamma (S i))) * - phi (- M))
            by (apply Rmult_le_pos; lra); lra).
    rewrite E. apply Rabs_le. split.
    - apply above_contrast; try lra. destruct (F (- M) (d i)) as (g & G1 & G2 & G3); [lra |].
      exists g. auto.
    - apply below_contrast; try lra. destruct (F (d i) M) as (g & G1 & G2 & G3); [lra |].
      exists g. auto.
  Qed.
End Lines.

(* -- the range --------------------------------------------------------------------------------- *)

Lemma some_greatest n (x : vec) : (0 < n)%nat ->
  exists i, (i < n)%nat /\ forall j, (j < n)%nat -> x j <= x i.
Proof.
  induction n as [| n IH]; intro N; [lia |]. destruct n as [| n].
  - exists O. split; [lia |]. intros j J. replace j with O by lia. lra.
  - destruct IH as (i & I & G); [lia |]. destruct (Rle_dec (x i) (x (S n))) as [C | C].
    + exists (S n). split; [lia |]. intros j J. destruct (Nat.eq_dec j (S n)) as [-> | E]; [lra |].
      apply Rle_trans with (x i); [apply G; lia | exact C].
    + exists i. split; [lia |]. intros j J. destruct (Nat.eq_dec j (S n)) as [-> | E]; [lra |].
      apply G. lia.
Qed.

Lemma some_least n (x : vec) : (0 < n)%nat ->
  exists i, (i < n)%nat /\ forall j, (j < n)%nat -> x i <= x j.
Proof.
  intro N. destruct (some_greatest n (fun i => - x i) N) as (i & I & G).
  exists i. split; [exact I |]. intros j J. specialize (G j J). lra.
Qed.

Lemma mean_at_least {n x m c} : is_mean n x m -> (forall p, (p < n)%nat -> c <= x p) -> c <= m.
Proof.
  intros (a & A & T & ->) B.
  assert (0 <= sum n (fun i => a i * x i + - c * a i)).
  { apply sum_nonneg; intros i I. specialize (A i I). specialize (B i I).
    assert (0 <= a i * (x i - c)) by (apply Rmult_le_pos; lra). lra. }
  rewrite sum_add, sum_scal, T in H. unfold dot. lra.
Qed.

Lemma mean_at_most {n x m c} : is_mean n x m -> (forall p, (p < n)%nat -> x p <= c) -> m <= c.
Proof.
  intros (a & A & T & ->) B. apply Ropp_le_cancel, (@mean_at_least n (fun i => - x i)).
  - exists a. repeat split; auto. unfold dot. transitivity (-1 * sum n (fun i => a i * x i));
      [ring |]. rewrite <- sum_scal. apply sum_ext; intros; ring.
  - intros p I. specialize (B p I). lra.
Qed.

Lemma mean_within {n x m low high} : is_mean n x m ->
  (forall p, (p < n)%nat -> low <= x p <= high) -> low <= m <= high.
Proof.
  intros M B. split; [apply (mean_at_least M) | apply (mean_at_most M)]; intros p I; apply B, I.
Qed.

(* -- any number of steps ----------------------------------------------------------------------- *)

Lemma many_steps (keeps : vec -> vec -> Prop) (U : nat -> vec) :
  (forall x, keeps x x) -> (forall x y z, keeps x y -> keeps y z -> keeps x z) ->
  (forall k, keeps (U (S k)) (U k)) -> forall k, keeps (U k) (U O).
Proof. intros Re Tr H. induction k as [| k IH]; [apply Re | apply Tr with (U k); auto]. Qed.

Ltac any_number step := intros; apply many_steps;
  [ unfold no_more_extrema, no_more_changes, no_more_variation, same_sum, within_range; auto;
    intros; lra
  | unfold no_more_extrema, no_more_changes, no_more_variation, same_sum, within_range; eauto;
    intros; lra
  | intro; eapply step; eauto ].

Ltac on_box := unfold beside, bounded, last_nonnegative, last_positive, sums_to_one,
  stays_nonnegative, differences_bounded, columns_sum_to_one, hands_out, stays; cbn; intros;
  repeat split; nra.

(* An implicit step, where at a greatest value that before is at least as great, and so below. *)
Lemma implicit_within_range n u v :
  (forall i, (i < n)%nat -> (forall p, (p < n)%nat -> v p <= v i) -> v i <= u i) ->
  (forall i, (i < n)%nat -> (forall p, (p < n)%nat -> v i <= v p) -> u i <= v i) ->
  within_range n v u.
Proof.
  intros A B low high H i I. assert (N : (0 < n)%nat) by lia. split.
  - destruct (some_least n v N) as (j & J & L). specialize (B j J L). specialize (H j J).
    specialize (L i I). lra.
  - destruct (some_greatest n v N) as (j & J & G). specialize (A j J G). specialize (H j J).
    specialize (G i I). lra.
Qed.
