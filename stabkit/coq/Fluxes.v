(* Fluxes of the dictionary: the facts that theorems suppose, on the whole line, for every contrast.
   Needs the package Interval, of Debian libcoq-interval. *)

Require Import Stabkit.
From Coquelicot Require Import Coquelicot.
From Interval Require Import Tactic.
Open Scope R_scope.

(* Slopes between a and b, quotients between 0 and c, and 0 at 0. *)
Definition facts (a b c : R) (phi : R -> R) : Prop :=
  phi 0 = 0 /\ slopes_at_least a phi /\ slopes_at_most b phi /\
  sector_at_least 0 phi /\ sector_at_most c phi.

Lemma slopes_by_derivative (phi d : R -> R) a b : (forall x : R, is_derive phi x (d x)) ->
  (forall x : R, a <= d x <= b) -> slopes_at_least a phi /\ slopes_at_most b phi.
Proof.
  intros D B. assert (M : forall x y, exists c, phi y - phi x = d c * (y - x)).
  { intros x y. destruct (Rtotal_order x y) as [L | [-> | L]].
    - destruct (MVT_cor2 phi d x y L) as (c & E & _); [| now exists c].
      intros c _. apply is_derive_Reals, D.
    - exists y. ring.
    - destruct (MVT_cor2 phi d y x L) as (c & E & _); [| exists c; lra].
      intros c _. apply is_derive_Reals, D. }
  split; intros x y; destruct (M y x) as (c & E); rewrite E; destruct (B c);
    assert (0 <= (x - y) * (x - y)) by apply Rle_0_sqr.
  - assert (0 <= (d c - a) * ((x - y) * (x - y))) by (apply Rmult_le_pos; lra). lra.
  - assert (0 <= (b - d c) * ((x - y) * (x - y))) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma sector_by_quotient phi g c : (forall x, phi x = g x * x) -> (forall x, 0 <= g x <= c) ->
  sector_at_least 0 phi /\ sector_at_most c phi.
Proof.
  intros E B. split; intro x; rewrite E; destruct (B x); assert (0 <= x * x) by apply Rle_0_sqr.
  - assert (0 <= g x * (x * x)) by (apply Rmult_le_pos; lra). lra.
  - assert (0 <= (c - g x) * (x * x)) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma facts_by (phi d g : R -> R) a b c : (forall x : R, is_derive phi x (d x)) ->
  (forall x : R, a <= d x <= b) -> (forall x : R, phi x = g x * x) ->
  (forall x : R, 0 <= g x <= c) -> facts a b c phi.
Proof.
  intros D B E C. destruct (slopes_by_derivative _ _ _ _ D B).
  destruct (sector_by_quotient _ _ _ E C). repeat split; auto. rewrite E. ring.
Qed.

(* A contrast l changes no slope and no quotient. *)
Lemma facts_of_contrast l a b c phi psi : 0 < l -> (forall s, psi s = l * phi (s / l)) ->
  facts a b c phi -> facts a b c psi.
Proof.
  intros P E (Z & A & B & C & D).
  assert (Q : forall x, x = l * (x / l)) by (intro; field; lra).
  assert (L : 0 <= l * l) by apply Rle_0_sqr.
  repeat split.
  - rewrite E. unfold Rdiv. rewrite Rmult_0_l, Z. ring.
  - intros x y. rewrite !E. specialize (A (x / l) (y / l)).
    rewrite (Q x) at 1 2 4. rewrite (Q y) at 1 2 4.
    assert (0 <= l * l * ((phi (x / l) - phi (y / l)) * (x / l - y / l)
      - a * ((x / l - y / l) * (x / l - y / l)))) by (apply Rmult_le_pos; lra). lra.
  - intros x y. rewrite !E. specialize (B (x / l) (y / l)).
    rewrite (Q x) at 2 3 4. rewrite (Q y) at 2 3 4.
    assert (0 <= l * l * (b * ((x / l - y / l) * (x / l - y / l))
      - (phi (x / l) - phi (y / l)) * (x / l - y / l))) by (apply Rmult_le_pos; lra). lra.
  - intro x. rewrite E. specialize (C (x / l)). rewrite (Q x) at 1 2 4.
    assert (0 <= l * l * (phi (x / l) * (x / l) - 0 * (x / l * (x / l))))
      by (apply Rmult_le_pos; lra). lra.
  - intro x. rewrite E. specialize (D (x / l)). rewrite (Q x) at 2 3 4.
    assert (0 <= l * l * (c * (x / l * (x / l)) - phi (x / l) * (x / l)))
      by (apply Rmult_le_pos; lra). lra.
Qed.

(* -- g = exp(- s^2 / 2): its slope is (1 - x) exp(- x / 2) at x = s^2, least at x = 3 ---------- *)

Lemma perona_malik_slope x : 0 <= x -> - (447 / 1000) <= (1 - x) * exp (- x / 2) <= 1.
Proof.
  intro X. split.
  - destruct (Rle_dec x 32) as [L | L]; [interval with (i_bisect x, i_autodiff x, i_prec 40) |].
    assert (E : 1 + x / 4 <= exp (x / 4)) by apply exp_ineq1_le.
    assert (F : exp (- x / 2) * (exp (x / 4) * exp (x / 4)) = 1).
    { rewrite <- !exp_plus. replace (- x / 2 + (x / 4 + x / 4)) with 0 by field. apply exp_0. }
    assert (G : 0 < exp (- x / 2)) by apply exp_pos.
    assert (H : (1 + x / 4) * (1 + x / 4) <= exp (x / 4) * exp (x / 4))
      by (apply Rmult_le_compat; lra).
    assert (0 <= (x - 32) * (x - 32)) by apply Rle_0_sqr.
    assert (I : x - 1 <= 447 / 1000 * (exp (x / 4) * exp (x / 4))) by lra.
    assert (0 <= exp (- x / 2) * (447 / 1000 * (exp (x / 4) * exp (x / 4)) - (x - 1)))
      by (apply Rmult_le_pos; lra). lra.
  - assert (0 < exp (- x / 2)) by apply exp_pos.
    assert (exp (- x / 2) <= 1) by (rewrite <- exp_0; destruct (Req_dec x 0) as [-> |];
      [right; f_equal; field | left; apply exp_increasing; lra]).
    assert (0 <= x * exp (- x / 2)) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma gauss_within x : 0 <= exp (- (x ^ 2) / 2) <= 1.
Proof.
  split; [left; apply exp_pos |]. rewrite <- exp_0. pose proof (pow2_ge_0 x).
  destruct (Rle_lt_or_eq_dec _ _ H) as [L | <-]; [left; apply exp_increasing; lra |].
  right. f_equal. field.
Qed.

Theorem perona_malik l : 0 < l ->
  facts (- (447 / 1000)) 1 1 (fun s => s * exp (- (s ^ 2) / (2 * l ^ 2))).
Proof.
  intro P. apply (facts_of_contrast l) with (fun s => s * exp (- (s ^ 2) / 2)); auto.
  - intro s. replace (- (s / l) ^ 2 / 2) with (- s ^ 2 / (2 * l ^ 2)) by (field; lra). field. lra.
  - apply facts_by with (fun x => (1 - x ^ 2) * exp (- (x ^ 2) / 2)) (fun x => exp (- (x ^ 2) / 2)).
    + intro x. auto_derive; auto. replace (- (x * (x * 1)) * / 2) with (- (x ^ 2) / 2) by field.
      field.
    + intro x. apply perona_malik_slope, pow2_ge_0.
    + intro. ring.
    + apply gauss_within.
Qed.

(* -- g = 1 / (1 + s^2): 8 times the slope plus 1 is (x - 3)^2 / (1 + x)^2 ---------------------- *)

Theorem rational l : 0 < l -> facts (- (1 / 8)) 1 1 (fun s => s / (1 + s ^ 2 / l ^ 2)).
Proof.
  intro P. apply (facts_of_contrast l) with (fun s => s / (1 + s ^ 2)); auto.
  - intro s. assert (0 <= s ^ 2) by apply pow2_ge_0. assert (0 < l ^ 2) by (apply pow_lt; lra).
    simpl in *. field. repeat split; lra.
  - assert (Q : forall x : R, 0 < 1 + x ^ 2) by (intro x; pose proof (pow2_ge_0 x); lra).
    apply facts_by with (fun x => (1 - x ^ 2) / (1 + x ^ 2) ^ 2) (fun x => / (1 + x ^ 2)).
    + intro x. specialize (Q x). auto_derive; [simpl in *; lra |]. simpl in *. field. lra.
    + intro x. specialize (Q x). assert (0 < (1 + x ^ 2) ^ 2) by (apply pow_lt; lra). split.
      * apply Rmult_le_reg_r with ((1 + x ^ 2) ^ 2); [auto |]. unfold Rdiv at 2.
        rewrite Rmult_assoc, Rinv_l by lra. assert (0 <= (x ^ 2 - 3) ^ 2) by apply pow2_ge_0. lra.
      * apply Rmult_le_reg_r with ((1 + x ^ 2) ^ 2); [auto |]. unfold Rdiv.
        rewrite Rmult_assoc, Rinv_l by lra.
        assert (0 <= (x ^ 2) ^ 2) by apply pow2_ge_0. pose proof (pow2_ge_0 x). lra.
    + intro x. unfold Rdiv. ring.
    + intro x. specialize (Q x). split; [left; now apply Rinv_0_lt_compat |].
      rewrite <- Rinv_1. apply Rinv_le_contravar; [lra |]. pose proof (pow2_ge_0 x). lra.
Qed.

(* -- g = 1 / sqrt(1 + s^2): its slope is its cube ---------------------------------------------- *)

Lemma cube_within y : 0 <= y <= 1 -> 0 <= y ^ 3 <= 1.
Proof. intros [A B]. split; [now apply pow_le |]. rewrite <- (pow1 3). apply pow_incr. lra. Qed.

Theorem charbonnier l : 0 < l -> facts 0 1 1 (fun s => s / sqrt (1 + s ^ 2 / l ^ 2)).
Proof.
  intro P. apply (facts_of_contrast l) with (fun s => s / sqrt (1 + s ^ 2)); auto.
  - intro s. replace (1 + (s / l) ^ 2) with (1 + s ^ 2 / l ^ 2) by (field; lra).
    assert (0 < sqrt (1 + s ^ 2 / l ^ 2)).
    { apply sqrt_lt_R0. assert (0 <= s ^ 2 / l ^ 2)
        by (apply Rdiv_le_0_compat; [apply pow2_ge_0 | apply pow_lt; lra]). lra. }
    field. lra.
  - assert (Q : forall x : R, 1 <= 1 + x ^ 2) by (intro x; pose proof (pow2_ge_0 x); lra).
    assert (S' : forall x : R, 1 <= sqrt (1 + x ^ 2))
      by (intro x; rewrite <- sqrt_1 at 1; apply sqrt_le_1_alt, Q).
    assert (I : forall x : R, 0 <= / sqrt (1 + x ^ 2) <= 1).
    { intro x. specialize (S' x). split; [left; apply Rinv_0_lt_compat; lra |].
      apply Rle_trans with (/ 1); [apply Rinv_le_contravar |]; lra. }
    apply facts_by with (fun x => (/ sqrt (1 + x ^ 2)) ^ 3) (fun x => / sqrt (1 + x ^ 2)).
    + intro x. specialize (Q x). specialize (S' x). auto_derive.
      * simpl in *. repeat split; lra.
      * replace (x * (x * 1)) with (x ^ 2) by ring.
        assert (E : sqrt (1 + x ^ 2) * sqrt (1 + x ^ 2) = 1 + x ^ 2) by (apply sqrt_sqrt; lra).
        set (r := sqrt (1 + x ^ 2)) in *.
        transitivity ((r * r - x ^ 2) * (/ r) ^ 3); [field; lra | rewrite E; ring].
    + intro x. apply cube_within, I.
    + intro x. unfold Rdiv. ring.
    + exact I.
Qed.

(* -- tanh: its slope is 1 - tanh^2 ------------------------------------------------------------- *)

Lemma tanh_by_exp s : tanh s = 1 - 2 / (exp (2 * s) + 1).
Proof.
  unfold tanh, sinh, cosh. assert (0 < exp s) by apply exp_pos. rewrite exp_Ropp.
  replace (exp (2 * s)) with (exp s * exp s) by (rewrite <- exp_plus; f_equal; ring).
  assert (0 < exp s * exp s) by (apply Rmult_lt_0_compat; auto). field. split; lra.
Qed.

Theorem tanh_flux : facts 0 1 1 (fun s => tanh s).
Proof.
  assert (D : forall x, is_derive tanh x (4 * exp (2 * x) / (exp (2 * x) + 1) ^ 2)).
  { intro x. apply is_derive_ext with (fun s => 1 - 2 / (exp (2 * s) + 1));
      [intro; symmetry; apply tanh_by_exp |].
    assert (0 < exp (2 * x)) by apply exp_pos. auto_derive; [lra |]. simpl. field. lra. }
  assert (B : forall x, 0 <= 4 * exp (2 * x) / (exp (2 * x) + 1) ^ 2 <= 1).
  { intro x. assert (0 < exp (2 * x)) by apply exp_pos. set (e := exp (2 * x)) in *.
    assert (0 < (e + 1) ^ 2) by (apply pow_lt; lra).
    split; [apply Rdiv_le_0_compat; lra |]. apply Rmult_le_reg_r with ((e + 1) ^ 2); [auto |].
    unfold Rdiv. rewrite Rmult_assoc, Rinv_l by lra.
    assert (0 <= (e - 1) ^ 2) by apply pow2_ge_0. lra. }
  destruct (slopes_by_derivative _ _ _ _ D B) as [S1 S2].
  assert (Z : tanh 0 = 0)
    by (rewrite tanh_by_exp, Rmult_0_r, exp_0; lra).
  repeat split; auto; intro x; [specialize (S1 x 0) | specialize (S2 x 0)]; rewrite Z in *; lra.
Qed.

(* -- soft shrinkage's complement: q beyond |s| = q --------------------------------------------- *)

Theorem soft q : 0 < q -> facts 0 1 1 (fun s => Rmax (- q) (Rmin q s)).
Proof.
  intro P.
  assert (S1 : forall x y, x <= y -> 0 <= Rmax (- q) (Rmin q y) - Rmax (- q) (Rmin q x) <= y - x)
    by (intros x y L; unfold Rmax, Rmin; repeat destruct (Rle_dec _ _); lra).
  assert (M : forall x y, 0 <= (Rmax (- q) (Rmin q x) - Rmax (- q) (Rmin q y)) * (x - y)
    <= (x - y) * (x - y)).
  { intros x y. destruct (Rle_dec x y) as [L | L].
    - specialize (S1 x y L). nra.
    - specialize (S1 y x ltac:(lra)). nra. }
  assert (Z : Rmax (- q) (Rmin q 0) = 0)
    by (unfold Rmax, Rmin; repeat destruct (Rle_dec _ _); lra).
  repeat split; auto; try (intros x y; specialize (M x y); lra);
    intro x; specialize (M x 0); rewrite Z in M; lra.
Qed.
