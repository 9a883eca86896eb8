(* Changes of sign around a ring of every length: so many turns of it are a line, which adds none. *)

Require Export Lines.
Require Import Arith.
Open Scope R_scope.

(* The values around a ring of n points, turn after turn. *)
Definition around (n : nat) (x : vec) : vec := fun i => x (i mod n)%nat.

(* On its way from i to e x changes its sign k times. *)
Fixpoint changes_between (x : vec) (k i e : nat) : Prop :=
  match k with
  | O => i = e
  | S k => exists p, (i < p)%nat /\ x i * x p < 0 /\ changes_between x k p e
  end.
Definition changes_around (n : nat) (x : vec) (k : nat) : Prop :=
  k = O \/ exists p, changes_between (around n x) k p (p + n)%nat.
Definition no_more_changes_around (n : nat) (v u : vec) : Prop :=
  forall k, changes_around n v k -> changes_around n u k.

(* What the inner rows of a line make of x around a ring; of a single point its own row. *)
Definition on_ring (L : line) (n : nat) (w x : vec) (i : nat) : R :=
  let next := (S i mod n)%nat in
  if Nat.eqb n 1 then single L (w O) (w O) * x O
  else inner_left L (w i) * x ((i + pred n) mod n)%nat + inner_middle L (w i) (w next) * x i
    + inner_right L (w next) * x next.

Lemma around_again n x i : around n x (i + n)%nat = around n x i.
Proof.
  unfold around. f_equal. destruct (Nat.eq_dec n 0) as [-> | N]; [now rewrite Nat.add_0_r |].
  rewrite <- (Nat.mul_1_l n) at 1. now apply Nat.mod_add.
Qed.

Lemma between_ends x k i e : changes_between x k i e -> (i <= e)%nat.
Proof.
  revert i. induction k as [| k IH]; simpl; intros i H; [lia |].
  destruct H as (p & P & _ & H). apply IH in H. lia.
Qed.

Lemma between_nonzero x k i e : changes_between x (S k) i e -> x i <> 0 /\ x e <> 0.
Proof.
  revert i. induction k as [| k IH]; intros i (p & P & C & H).
  - simpl in H. subst. split; intro Z; rewrite Z in C; lra.
  - split; [intro Z; rewrite Z in C; lra | apply (IH p H)].
Qed.

Lemma between_parity x k i e : changes_between x k i e -> x i <> 0 ->
  if Nat.even k then 0 < x i * x e else x i * x e < 0.
Proof.
  revert i. induction k as [| k IH]; intros i H N.
  - simpl in *. subst. exact (Rsqr_pos_lt _ N).
  - destruct H as (p & P & C & H). assert (N' : x p <> 0) by (intro Z; rewrite Z in C; lra).
    specialize (IH p H N'). rewrite Nat.even_succ, <- Nat.negb_even.
    destruct (Nat.even k); simpl.
    + apply Rmult_lt_reg_r with (x p * x p); [exact (Rsqr_pos_lt _ N') |].
      replace (x i * x e * (x p * x p)) with (- (- (x i * x p) * (x p * x e))) by ring.
      assert (0 < - (x i * x p) * (x p * x e)) by (apply Rmult_lt_0_compat; lra). lra.
    + apply Rmult_lt_reg_r with (x p * x p); [exact (Rsqr_pos_lt _ N') |].
      replace (x i * x e * (x p * x p)) with (- (x i * x p) * - (x p * x e)) by ring.
      assert (0 < - (x i * x p) * - (x p * x e)) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Lemma between_joined x a b i e f : changes_between x a i e -> changes_between x b e f ->
  changes_between x (a + b)%nat i f.
Proof.
  revert i. induction a as [| a IH]; simpl; intros i H K; [now subst |].
  destruct H as (p & P & C & H). exists p. auto.
Qed.

Lemma between_again n x k i e : changes_between (around n x) k i e ->
  changes_between (around n x) k (i + n)%nat (e + n)%nat.
Proof.
  revert i. induction k as [| k IH]; simpl; intros i H; [now subst |].
  destruct H as (p & P & C & H). exists (p + n)%nat. rewrite !around_again. repeat split; auto. lia.
Qed.

Lemma many_turns n x k p m : changes_between (around n x) k p (p + n)%nat ->
  changes_between (around n x) (m * k)%nat (p + n)%nat (p + n + m * n)%nat.
Proof.
  intro H. induction m as [| m IH]; [simpl; lia |].
  replace (S m * k)%nat with (m * k + k)%nat by lia.
  apply between_joined with (p + n + m * n)%nat; auto. clear IH. induction m as [| m IH].
  - simpl. rewrite !Nat.add_0_r. now apply between_again.
  - apply between_again in IH. replace (p + n + S m * n)%nat with (p + n + m * n + n)%nat by lia.
    replace (p + n + S (S m) * n)%nat with (p + n + S m * n + n)%nat by lia. exact IH.
Qed.

(* Changes between two inner places of a line. *)
Lemma inside n x y k i e : changes_between y k i e -> (0 < i)%nat -> (S e < n)%nat -> y e <> 0 ->
  (forall s, (0 < s)%nat -> (S s < n)%nat -> x s = y s) -> changes_from n x k i.
Proof.
  intros H I E N S'. revert i I H. induction k as [| k IH]; simpl; intros i I H.
  - subst. rewrite S' by lia. split; [lia | exact N].
  - destruct H as (p & P & C & H). assert (B := between_ends _ _ _ _ H).
    exists p. rewrite !S' by lia. repeat split; auto. apply IH; auto. lia.
Qed.

Lemma places n x k i : changes_from n x k i -> exists q : nat -> nat,
  (forall j, (j < k)%nat -> (q j < q (S j))%nat /\ x (q j) * x (q (S j)) < 0) /\ (q k < n)%nat
  /\ q O = i.
Proof.
  revert i. induction k as [| k IH]; simpl; intros i H.
  - exists (fun _ => i). split; [intros; lia | split; [apply H | reflexivity]].
  - destruct H as (p & P & C & H). destruct (IH p H) as (q & Q & E & B).
    exists (fun j => match j with O => i | S j => q j end). split; [| auto].
    intros [| j] J; [rewrite B; auto | apply Q; lia].
Qed.

Lemma from_places x k (q : nat -> nat) :
  (forall j, (j < k)%nat -> (q j < q (S j))%nat /\ x (q j) * x (q (S j)) < 0) ->
  forall a j, (j + a <= k)%nat -> changes_between x a (q j) (q (j + a)%nat).
Proof.
  intro H. induction a as [| a IH]; intros j L; simpl; [now rewrite Nat.add_0_r |].
  destruct (H j) as [O1 O2]; [lia |]. exists (q (S j)). repeat split; auto.
  replace (j + S a)%nat with (S j + a)%nat by lia. apply IH. lia.
Qed.

(* Of many places in a row some a + 1 lie within a turn, or they reach far. *)
Lemma within_a_turn (q : nat -> nat) a n k : forall t, (t * a <= k)%nat ->
  (exists j, (j + a <= k)%nat /\ (q (j + a) < q j + n)%nat) \/ (t * n <= q (t * a))%nat.
Proof.
  induction t as [| t IH]; intro L; [right; lia |].
  destruct IH as [IH | IH]; [lia | now left |].
  destruct (le_lt_dec (q (t * a)%nat + n) (q (t * a + a)%nat)) as [C | C].
  - right. replace (S t * a)%nat with (t * a + a)%nat by lia. lia.
  - left. exists (t * a)%nat. split; [lia | exact C].
Qed.

Theorem ring_adds_no_changes (P : R -> Prop) (L : line) (m : R -> R) n w u v :
  beside P L 1 -> bounded P L m -> last_nonnegative P L m -> (forall i, P (w i)) ->
  (forall i, (i < n)%nat -> v i = on_ring L n w u i) -> no_more_changes_around n v u.
Proof.
  intros B M D W V k [-> | [p C]]; [now left |]. right.
  destruct k as [| k]; [exists p; exact C |].
  destruct n as [| [| n]].
  - apply between_ends in C as C'. destruct C as (q & Q & _ & C). apply between_ends in C. lia.
  - exfalso. destruct C as (q & Q & C' & C). apply between_ends in C.
    replace q with (p + 1)%nat in C' by lia. rewrite around_again in C'. exact (Rle_not_lt _ _ (Rle_0_sqr _) C').
  - remember (S (S n)) as r eqn:Er. assert (R2 : (2 <= r)%nat) by lia. clear Er n.
    destruct (between_nonzero _ _ _ _ C) as [Np Ne].
    assert (E : Nat.even (S k) = true).
    { pose proof (between_parity _ _ _ _ C Np) as E. rewrite around_again in E.
      destruct (Nat.even (S k)); auto. destruct (Rle_not_lt _ _ (Rle_0_sqr _) E). }
    (* so many turns, on a line with a place more on either side *)
    set (c := (p + 3)%nat). set (t := (k * c)%nat). set (N := (p + r + t * r + 2)%nat).
    assert (K1 : (1 <= k)%nat) by (destruct k; [discriminate E | lia]).
    assert (Kt : (1 <= t)%nat) by (apply (Nat.mul_le_mono 1 k 1 c); unfold c; lia).
    assert (Tk : ((t + c) * k = t * S k)%nat) by (unfold t; ring).
    set (y := around r u). set (z := on_line L N (around r w) y).
    assert (Z : forall s, (0 < s)%nat -> (S s < N)%nat -> z s = around r v s).
    { intros s S1 S2. unfold around at 1. rewrite V by (apply Nat.mod_upper_bound; lia).
      unfold on_ring, z, on_line, band, y, around. destruct (Nat.eqb_spec r 1); [lia |].
      destruct s as [| s]; [lia |].
      unfold left_entry, middle_entry, right_entry. destruct (Nat.eqb_spec (S (S s)) N); [lia |].
      assert (E1 : (S (S s mod r) mod r = S (S s) mod r)%nat).
      { rewrite <- (Nat.add_1_r (S s mod r)), Nat.add_mod_idemp_l by lia.
        f_equal. apply Nat.add_1_r. }
      assert (E2 : ((S s mod r + pred r) mod r = s mod r)%nat).
      { rewrite Nat.add_mod_idemp_l by lia. replace (S s + pred r)%nat with (s + 1 * r)%nat by lia.
        apply Nat.mod_add. lia. }
      rewrite E1, E2. cbn [pred]. reflexivity. }
    assert (T := many_turns _ _ _ _ t C).
    assert (NT : around r v (p + r + t * r)%nat <> 0).
    { destruct (t * S k)%nat as [| l] eqn:El; [apply Nat.eq_mul_0 in El; lia |]. apply (between_nonzero _ _ _ _ T). }
    assert (F : changes_from N z (t * S k)%nat (p + r)%nat).
    { apply (inside _ _ (around r v) _ _ (p + r + t * r)%nat); auto; unfold N; lia. }
    assert (G : changes N y (t * S k)%nat).
    { apply (line_adds_no_changes P L m N (around r w)) with z; auto.
      - intro i. apply W.
      - exists (p + r)%nat. exact F. }
    destruct G as [i G]. destruct (places _ _ _ _ G) as (q & Q & QN & _).
    destruct (within_a_turn q k r (t * S k)%nat (t + c)%nat) as [(j & J1 & J2) | J].
    + rewrite Tk. apply le_n.
    + exists (q j). assert (H := from_places _ _ _ Q k j J1).
      assert (Nj : y (q j) <> 0).
      { destruct (Q j) as [_ Qj]; [lia |]. intro Z'. rewrite Z' in Qj. lra. }
      pose proof (between_parity _ _ _ _ H Nj) as Pa.
      rewrite Nat.even_succ, <- Nat.negb_even in E. destruct (Nat.even k); [discriminate |].
      replace (S k) with (k + 1)%nat by lia. apply between_joined with (q (j + k)%nat); auto.
      exists (q j + r)%nat. repeat split; auto. fold y. unfold y. rewrite around_again. fold y. lra.
    + exfalso. assert (I : forall a, (a <= t * S k)%nat -> (q a <= q (t * S k))%nat).
      { intros a A. assert (H := from_places _ _ _ Q (t * S k - a)%nat a ltac:(lia)).
        apply between_ends in H. now replace (a + (t * S k - a))%nat with (t * S k)%nat in H by lia. }
      specialize (I ((t + c) * k)%nat). rewrite Tk in I, J. specialize (I (le_n _)).
      assert (Cr : (c * r = p * r + 3 * r)%nat) by (unfold c; ring).
      assert (Pr : (p * 1 <= p * r)%nat) by (apply Nat.mul_le_mono_l; lia).
      rewrite Nat.mul_add_distr_r, Cr in J. unfold N in QN. lia.
Qed.

(* What any number of steps keep is seen through the word. *)
Global Hint Unfold no_more_changes_around : core.
